package natsbus_test

import (
	"context"
	"sync"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/tests/kit"
)

// lastSender is a dispatcher that has a sending on its way when its process ends.
type lastSender struct {
	settler
	sender *natsbus.DispatchSender
	mu     sync.Mutex
	nobody []string
}

func (s *lastSender) EndSendings(context.Context) {
	_ = s.sender.Send(&kapivara.Delivery{Subscriber: "billing", Stream: "a/b/c/one", Token: "last"})
}

func (s *lastSender) NoResponders(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nobody = append(s.nobody, token)
}

// That the last sending of a process met nobody is heard. The known wrong way ends the listening while sendings go on: they
// pass for sent until their deadline.
func TestThatTheLastSendingMetNobodyIsHeard(t *testing.T) {
	t.Parallel()
	sender := natsbus.NewDispatchSender(connect(t, kit.NATS(t)), nil)
	d := &lastSender{sender: sender}
	server, err := natsbus.ServeDispatcher(sender, d, natsbus.Service{Version: "1.0.0"}, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.nobody) != 1 || d.nobody[0] != "last" {
		t.Errorf("heard of %q that they met nobody, want the last sending", d.nobody)
	}
}
