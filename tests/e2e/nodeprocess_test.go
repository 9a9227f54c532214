package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A node that is a process of its own is this test binary, told by its environment what to do. It is killed at any moment,
// so what it has seen goes to a file: a line before each answer, and one after each confirmation.
const (
	nodeURL        = "NODE_URL"
	nodeSubscriber = "NODE_SUBSCRIBER"
	nodeFile       = "NODE_FILE"
)

// record is a line of a node's file.
type record struct {
	Committed bool            `json:"committed"` // else received
	Delivery  json.RawMessage `json:"delivery"`
}

type nodeProcess struct {
	nc *nats.Conn
	mu sync.Mutex
	to *os.File
}

// runNodeProcess is the whole of such a process.
func runNodeProcess() error {
	nc, err := nats.Connect(os.Getenv(nodeURL), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(os.Getenv(nodeFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.WriteString("\n"); err != nil { // an earlier process may have been killed in a line
		return err
	}
	n := &nodeProcess{nc: nc, to: file}
	subscriber := os.Getenv(nodeSubscriber)
	if _, err := nc.QueueSubscribe("kapivara.v1.bucket."+subscriber+".*", subscriber, n.handle); err != nil {
		return err
	}
	if err := nc.Flush(); err != nil {
		return err
	}
	fmt.Println("node ready " + subscriber)
	select {}
}

func (n *nodeProcess) write(r record) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.to.Write(append(line, '\n')); err != nil {
		panic(err)
	}
}

func (n *nodeProcess) handle(msg *nats.Msg) {
	n.write(record{Delivery: msg.Data})
	go func() {
		<-time.After(20 * time.Millisecond) // its work, so that a kill finds something in hand
		for {
			var reply struct {
				Settled string
				Error   struct{ Code string }
			}
			m, err := n.nc.Request(msg.Reply, []byte("+ACK"), 2*time.Second)
			if err == nil {
				err = json.Unmarshal(m.Data, &reply)
			}
			switch {
			case err == nil && reply.Settled == "committed":
				n.write(record{Committed: true, Delivery: msg.Data})
				return
			case err == nil && reply.Error.Code == "stale_token":
				return // it took too long: the next attempt is on its way
			}
			<-time.After(50 * time.Millisecond)
		}
	}()
}

// recount takes in what a node's processes have written.
func (s *seen) recount(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	torn := 0
	for line := range strings.Lines(string(text)) {
		var r record
		if strings.TrimSpace(line) == "" {
			continue
		}
		if json.Unmarshal([]byte(line), &r) != nil {
			torn++ // of a process that was killed in it
			continue
		}
		d := &delivery{}
		if err := json.Unmarshal(r.Delivery, d); err != nil {
			return err
		}
		if !r.Committed {
			s.received(d)
			continue
		}
		if attempt, ok := s.committed[d.key()]; !ok || attempt != d.Attempt { // one attempt may be confirmed to two who repeat it
			s.commit(d)
		}
	}
	if torn > 50 {
		return fmt.Errorf("%s: %d lines cannot be read", file, torn)
	}
	return nil
}
