package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"kapivara/tests/kit"
)

// apart is Kapivara as separate services, each a process with its own rights, against a NATS server by natsconf/single.conf.
type apart struct {
	t     *testing.T
	nats  *server.Server
	url   string
	pgURL string
}

// setRolePasswords gives each user of the server configuration a password, before any test runs.
func setRolePasswords() error {
	for _, role := range []string{"writer", "reader", "dispatcher", "operator", "publisher", "subscriber", "onlooker"} {
		if err := os.Setenv("KAPIVARA_"+strings.ToUpper(role)+"_PASSWORD", "pw-"+role); err != nil {
			return err
		}
	}
	return nil
}

func startApart(t *testing.T) *apart {
	t.Helper()
	a := &apart{t: t, pgURL: kit.Postgres(t)}
	a.startNATS(server.RANDOM_PORT)
	a.url = a.nats.ClientURL()
	t.Cleanup(a.stopNATS)
	return a
}

func (a *apart) startNATS(port int) {
	a.t.Helper()
	opts, err := server.ProcessConfigFile(filepath.Join(kit.Root(a.t), "natsconf", "single.conf"))
	if err != nil {
		a.t.Fatal(err)
	}
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", port, true, true
	if a.nats, err = server.NewServer(opts); err != nil {
		a.t.Fatal(err)
	}
	a.nats.Start()
	if !a.nats.ReadyForConnections(patience) {
		a.t.Fatal("the NATS server is not ready")
	}
}

func (a *apart) stopNATS() {
	a.nats.Shutdown()
	a.nats.WaitForShutdown()
}

// restartNATS ends the server without a word, and starts it anew on its port, with nothing of what it knew.
func (a *apart) restartNATS() {
	a.t.Helper()
	port, err := strconv.Atoi(a.url[strings.LastIndexByte(a.url, ':')+1:])
	if err != nil {
		a.t.Fatal(err)
	}
	a.stopNATS()
	a.startNATS(port)
}

// service starts one service as a process of its own and waits until it serves.
func (a *apart) service(role string) *process {
	a.t.Helper()
	pg, err := url.Parse(a.pgURL)
	if err != nil {
		a.t.Fatal(err)
	}
	pg.User = url.User("kapivara_" + role)
	p := spawn(a.t, []string{
		"KAPIVARA_NATS_URL=" + a.url, "KAPIVARA_NATS_USER=" + role, "KAPIVARA_NATS_PASSWORD=pw-" + role,
		"KAPIVARA_PG_URL=" + pg.String(), "KAPIVARA_PG_CONNS=4",
	}, program(a.t, role))
	p.ready(a.t)
	return p
}

// as connects in a role.
func (a *apart) as(role string) caller {
	a.t.Helper()
	return dial(a.t, a.url, a.user(role)...)
}

func (a *apart) user(role string) []nats.Option {
	return []nats.Option{nats.UserInfo(role, "pw-"+role), nats.CustomInboxPrefix("_INBOX_" + role)}
}

// atWork is the process of the dispatcher that works for billing, by the store; 0 where there is none.
func (a *apart) atWork() int {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, a.pgURL)
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close(ctx)
	var holder string
	err = conn.QueryRow(ctx, `select coalesce((select r.name from kapivara.subscribers s join kapivara.duties d using (subscriber_no)
		join kapivara.dispatchers r using (dispatcher_no) where s.name = 'billing' and r.until > clock_timestamp()), '')`).Scan(&holder)
	if err != nil {
		a.t.Fatal(err)
	}
	pid, _ := strconv.Atoi(holder[strings.LastIndexByte(holder, '/')+1:]) // host/pid
	return pid
}

// killAtWork kills the dispatcher that works for billing and waits until another one has taken over. It gives who is left.
func (a *apart) killAtWork(dispatchers []*process) []*process {
	a.t.Helper()
	var victim int
	kit.Eventually(a.t, time.Minute, func() error {
		if victim = a.atWork(); victim == 0 {
			return fmt.Errorf("no dispatcher is at work")
		}
		return nil
	})
	for i, p := range dispatchers {
		if p.cmd.Process.Pid != victim {
			continue
		}
		p.kill()
		killed := time.Now()
		kit.Eventually(a.t, time.Minute, func() error {
			if now := a.atWork(); now == 0 || now == victim {
				return fmt.Errorf("process %d has not been relieved", victim)
			}
			return nil
		})
		a.t.Logf("taken over %v after kill -9", time.Since(killed))
		return append(dispatchers[:i:i], dispatchers[i+1:]...)
	}
	a.t.Fatalf("the dispatcher at work, process %d, is none of ours", victim)
	return nil
}

// register registers publisher and types of the log, since the registry of separate services is strict.
func (a *apart) register(operator caller, log realLog) {
	a.t.Helper()
	publisher, unknown := a.as("publisher"), bad{
		subject: "kapivara.v1.append." + log.publisher, body: `{"stream": "lending/loans/application/A-1", "events": [{"id": "x", "type": "t"}]}`,
		code: "forbidden", facts: `{"publisher": "` + log.publisher + `", "stream": "lending/loans/application/A-1"}`,
	}
	if err := unknown.refused(publisher); err != nil {
		a.t.Errorf("an unknown publisher: %v", err)
	}
	var record map[string]any
	operator.ask("kapivara.v1.registry.publisher.set."+log.publisher, `{"streams": ["lending/*"]}`, &record)
	unknown.facts = `{"publisher": "` + log.publisher + `", "type": "t"}`
	if err := unknown.refused(publisher); err != nil {
		a.t.Errorf("an unknown type: %v", err)
	}
	for kind := range typesOf(a.t, log) {
		operator.ask("kapivara.v1.registry.event-type.set."+log.publisher, `{"type": `+encode(kind)+`}`, &record)
	}
}
