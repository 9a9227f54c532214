package rivals

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"kapivara/pkg/wire"
	"kapivara/tests/bench/load"
)

// A rival's event is the one of Kapivara's append cell to the byte, but for its id.
func TestAnEventIsAsKapivaraIsSentIt(t *testing.T) {
	t.Parallel()
	id, event := newEvent()
	request := load.NewWriter(1, load.Streams{Prefix: streamPrefix, Events: 1, Length: streamLength}).Next(0, time.Now())
	ours := regexp.MustCompile(`"id":"[0-9a-f-]{36}"`).ReplaceAllLiteral(request, []byte(`"id":"`+id+`"`))
	if !bytes.Contains(ours, event) {
		t.Errorf("Kapivara is sent %s, a rival %s", request, event)
	}
}

// A delivery is one that Kapivara's clients read.
func TestADeliveryIsAsKapivaraSendsIt(t *testing.T) {
	t.Parallel()
	d, reference, err := wire.DecodeDelivery(newDelivery(7))
	if err != nil || reference != nil || d.Number != 7 || len(d.Events) != 1 || !bytes.Equal(d.Events[0].Data, load.Data()) {
		t.Errorf("the delivery is %+v: %v", d, err)
	}
}

func TestAStreamIsLeftWhenItIsFull(t *testing.T) {
	t.Parallel()
	var s stream
	first := s.next().id
	s.version = streamLength - 1
	if got := s.next().id; got != first || first == "" {
		t.Errorf("the last event goes to %q, want the stream %q that has begun", got, first)
	}
	s.version, s.last = streamLength, 99
	if got := *s.next(); got.id == first || got.version != 0 || got.last != 0 {
		t.Errorf("the next event goes to %+v, want a new stream", got)
	}
}
