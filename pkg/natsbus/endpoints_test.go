package natsbus_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"regexp"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/schema"
	"kapivara/tests/kit"
)

// settler is a dispatcher that has nothing to do.
type settler struct{}

func (s *settler) OnRun(func(int32, bool)) {}

func (s *settler) Run() int32 { return 0 }

func (s *settler) Owner(context.Context, string) (int32, error) { return 0, nil }
func (s *settler) Working(context.Context, int32, string, time.Time) (bool, error) {
	return true, nil
}

func (s *settler) Answered(string, string, kapivara.Answer, func(kapivara.Settled, error)) {}

func (s *settler) Settle(string, string, kapivara.Answer, func(kapivara.Settled, error)) {}

func (s *settler) Claim(string, kapivara.ClaimRequest, func([]kapivara.Claimed, error)) {}

func (s *settler) Release(string, kapivara.ReleaseRequest, func([]kapivara.Claimed, error)) {}

func (s *settler) Next(string, kapivara.NextQuery, func([]kapivara.Delivery, error)) {}

func (s *settler) EndWaits() {}

func (s *settler) EndSendings(context.Context) {}

func (s *settler) Operate(string, kapivara.Operation, func(int, error)) {}

func (s *settler) Replay(string, kapivara.Replay, func(int, error)) {}

func (s *settler) NoResponders(string) {}

func (s *settler) Poke(bool, bool) {}

// What `nats micro info` shows of every service: each endpoint names schemas that are there, or refuses as not built; and
// the AsyncAPI document has the same subjects.
func TestEveryEndpointNamesItsSchemasAndStandsInTheAsyncAPIDocument(t *testing.T) {
	t.Parallel()
	documented := documentedSubjects(t)
	for _, e := range allEndpoints(t) {
		if len(e.Metadata) == 0 {
			if documented[e.Subject] {
				t.Errorf("%s is documented and names no schema", e.Subject)
			}
			continue
		}
		for _, part := range []string{"request", "reply"} {
			if _, err := fs.Stat(schema.JSON, "json/"+e.Metadata[part]); err != nil {
				t.Errorf("%s: %s: %v", e.Subject, part, err)
			}
		}
		if !documented[e.Subject] {
			t.Errorf("%s is not documented", e.Subject)
		}
		delete(documented, e.Subject)
	}
	for subject := range documented {
		t.Errorf("%s is documented and served by nobody", subject)
	}
}

// documentedSubjects are those of the requests in the AsyncAPI document, with * for each parameter.
func documentedSubjects(t *testing.T) map[string]bool {
	t.Helper()
	var doc struct {
		Channels map[string]struct {
			Address  string                     `json:"address"`
			Messages map[string]json.RawMessage `json:"messages"`
		} `json:"channels"`
	}
	if err := json.Unmarshal(schema.AsyncAPI, &doc); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	subjects := map[string]bool{}
	for _, c := range doc.Channels {
		if _, isRequest := c.Messages["request"]; isRequest {
			subjects[parameter.ReplaceAllString(c.Address, "*")] = true
		}
	}
	return subjects
}

func allEndpoints(t *testing.T) []micro.EndpointInfo {
	t.Helper()
	url := kit.NATS(t)
	nc := connect(t, url)
	endpoints := natsbus.AppendEndpoints(nil, wire.DefaultLimits())
	endpoints = append(endpoints, natsbus.ReadEndpoints(nil, nil)...)
	endpoints = append(endpoints, natsbus.RegistryEndpoints(nil, nil, nil)...)
	srv, err := natsbus.Serve(nc, natsbus.Service{Name: "all", Version: "1.0.0", Endpoints: endpoints}, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	var dispatcher settler
	dispatch, err := natsbus.ServeDispatcher(natsbus.NewDispatchSender(nc, nil), &dispatcher, natsbus.Service{Version: "1.0.0"}, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dispatch.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if err := srv.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
	client := connect(t, url)
	all := info(t, client, "all").Endpoints
	kit.Eventually(t, patience, func() error {
		_, err := client.Request("$SRV.PING.kapivara-dispatcher", nil, patience)
		return err
	})
	return append(all, info(t, client, "kapivara-dispatcher").Endpoints...)
}

func info(t *testing.T, nc *nats.Conn, name string) (i micro.Info) {
	t.Helper()
	control(t, nc, micro.InfoVerb, [2]string{name}, &i)
	return i
}
