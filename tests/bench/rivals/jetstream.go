package rivals

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kapivara/tests/bench/harness"
)

// The two ways to sync that a server's configuration has: by default every two minutes, or before each answer.
const (
	syncDefault = ""
	syncAlways  = "sync_interval: always"
)

// jetStream is a server of the cell's own with JetStream in files, and a connection to it.
type jetStream struct {
	jetstream.JetStream
	url string
}

func newJetStream(ctx context.Context, s *harness.Stage, sync string) (*jetStream, error) {
	dir, err := s.NewDir("jetstream")
	if err != nil {
		return nil, err
	}
	j := &jetStream{}
	if j.url, err = s.NATSServer(ctx, fmt.Sprintf("jetstream {\n  store_dir: %q\n  %s\n}\n", dir, sync)); err != nil {
		return nil, err
	}
	conn, err := j.connect(s)
	if err != nil {
		return nil, err
	}
	s.Version("nats.go", nats.Version)
	j.JetStream, err = jetstream.New(conn)
	return j, err
}

// connect opens a connection more.
func (j *jetStream) connect(s *harness.Stage) (*nats.Conn, error) {
	conn, err := nats.Connect(j.url, nats.MaxReconnects(0))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	s.Cleanup(func(context.Context) error { conn.Close(); return nil })
	return conn, nil
}

// answerWithin is how long an answer may take before it is taken for lost.
const answerWithin = time.Minute

// published reads the answer to a publish, and gives the sequence of what was stored.
func published(m *nats.Msg) (uint64, error) {
	var ack struct {
		jetstream.PubAck
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return 0, fmt.Errorf("publish: %w: %v", err, m.Header)
	}
	if ack.Error != nil {
		return 0, fmt.Errorf("publish: %w", ack.Error)
	}
	return ack.Sequence, nil
}
