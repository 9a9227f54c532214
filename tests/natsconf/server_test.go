// Package natsconf_test tries what each user of the server configurations may do, and what not.
package natsconf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"kapivara/tests/kit"
)

const patience = 20 * time.Second

var roles = []string{"writer", "reader", "dispatcher", "operator", "publisher", "subscriber", "onlooker"}

func TestMain(m *testing.M) {
	for _, role := range roles {
		if err := os.Setenv("KAPIVARA_"+strings.ToUpper(role)+"_PASSWORD", "pw-"+role); err != nil {
			panic(err)
		}
	}
	kit.Main(m)
}

func startSingle(t *testing.T) *server.Server {
	t.Helper()
	opts, err := server.ProcessConfigFile(filepath.Join(kit.Root(t), "natsconf", "single.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return kit.NATSServer(t, opts)
}

// user is a connection in a role, with the refusals that the server sends it.
type user struct {
	*nats.Conn
	refusals chan error
}

func connect(t *testing.T, srv *server.Server, role string) user {
	t.Helper()
	u := user{refusals: make(chan error, 16)}
	var err error
	u.Conn, err = nats.Connect(srv.ClientURL(), nats.UserInfo(role, "pw-"+role), nats.CustomInboxPrefix("_INBOX_"+role),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { u.refusals <- err }))
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	t.Cleanup(u.Close)
	return u
}

// refused tells whether the server refused what was sent since the connection began. The server sends a refusal
// before its answer to the flush.
func (u user) refused(t *testing.T) bool {
	t.Helper()
	u.flush(t)
	if err := u.LastError(); err != nil {
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("got %v, want a permission violation", err)
		}
		return true
	}
	return false
}

func (u user) flush(t *testing.T) {
	t.Helper()
	if err := u.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, sub *nats.Subscription) *nats.Msg {
	t.Helper()
	msg, err := sub.NextMsg(patience)
	if err != nil {
		t.Fatalf("%s: %v", sub.Subject, err)
	}
	return msg
}
