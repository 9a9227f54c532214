package natsbus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

func aDelivery() *kapivara.Delivery {
	return &kapivara.Delivery{
		Subscriber: "billing", Bucket: 3, Buckets: 8, Number: 1042, Attempt: 2, Cause: kapivara.CauseComplete,
		Stream: "lending/loans/application/A ü", Version: 1, Finish: 1, Complete: true, From: 1, To: 1,
		AckWait: 30 * time.Second, Deadline: time.Unix(1790000000, 0).UTC(), Token: "tok-1",
		Events: []kapivara.Event{{
			NewEvent: kapivara.NewEvent{
				ID: "e1", Type: "t", Source: "/s", Time: "2026-01-31T09:30:00Z", Position: 1, Final: true,
				Attributes: []byte(`"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`),
			},
			Stream: "lending/loans/application/A ü", Publisher: "loans-api", Recorded: time.Unix(1790000000, 0).UTC(), LogPosition: 9,
		}},
	}
}

// listen gives a sender, a client, and what comes back for the deliveries.
func listen(t *testing.T) (*natsbus.Sender, *nats.Conn, <-chan natsbus.Settlement) {
	t.Helper()
	url := kit.NATS(t)
	nc := connect(t, url)
	settlements := make(chan natsbus.Settlement, 10)
	sender := natsbus.NewSender(nc)
	if _, err := sender.Listen(kit.Logger(t), func(s natsbus.Settlement) { settlements <- s }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil { // the answers come by another connection: the server must know of the listener first
		t.Fatal(err)
	}
	return sender, connect(t, url), settlements
}

func TestSenderLearnsAtOnceThatNobodyListens(t *testing.T) {
	t.Parallel()
	sender, _, settlements := listen(t)
	if err := sender.SendDelivery(aDelivery(), ""); err != nil {
		t.Fatal(err)
	}
	s := receive(t, settlements)
	if !s.Nobody || s.Subscriber != "billing" || s.Token != "tok-1" {
		t.Errorf("got %+v, want nobody for billing, tok-1", s)
	}
	s.Confirm(kapivara.Settled{State: kapivara.Committed}, nil) // nothing to confirm
}

func TestSenderDeliversToTheQueueGroupAndHearsTheAnswer(t *testing.T) {
	t.Parallel()
	sender, nc, settlements := listen(t)
	sub, err := nc.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	want := aDelivery()
	if err := sender.SendDelivery(want, ""); err != nil {
		t.Fatal(err)
	}
	m, err := sub.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	got, ref, err := wire.DecodeDelivery(m.Data)
	if err != nil || ref != nil {
		t.Fatalf("got %v, %v; want the events with the delivery", ref, err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("delivery: want(-) got(+):\n%s", diff)
	}
	headers := nats.Header{
		"Kapivara-Stream": {"lending/loans/application/A %C3%BC"}, "Kapivara-Delivery": {"billing/3/1042"},
		"Kapivara-Attempt": {"2"}, "traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	}
	if diff := cmp.Diff(headers, m.Header); diff != "" {
		t.Errorf("headers: want(-) got(+):\n%s", diff)
	}
	if err := m.Respond([]byte(" +ACK\n")); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, settlements); s.Nobody || s.Token != "tok-1" || s.Answer.Verdict != kapivara.Ack {
		t.Errorf("got %+v, want the ack of tok-1", s)
	}
}

func TestSenderReachesTheOwnerOfABucketAlone(t *testing.T) {
	t.Parallel()
	sender, nc, _ := listen(t)
	sub, err := nc.QueueSubscribeSync("kapivara.v1.bucket.billing.*.node-1", "billing")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := sender.SendDelivery(aDelivery(), "node-1"); err != nil {
		t.Fatal(err)
	}
	if m, err := sub.NextMsg(patience); err != nil || m.Subject != "kapivara.v1.bucket.billing.3.node-1" {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestAnAnswerSentAsARequestIsConfirmed(t *testing.T) {
	t.Parallel()
	_, nc, settlements := listen(t)
	for _, c := range []struct {
		name, reply, want string
		settled           kapivara.Settled
		err               error
	}{
		{name: "a commit", settled: kapivara.Settled{State: kapivara.Committed}, want: `{"settled":"committed"}`},
		{
			name: "a stale token", err: kapivara.Refuse(kapivara.StaleToken, "old"),
			want: `{"error":{"code":"stale_token","message":"old"}}`,
		},
	} {
		inbox := nc.NewInbox()
		sub, err := nc.SubscribeSync(inbox)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.PublishRequest(wire.SettleSubject("billing", "tok-1"), inbox, []byte("+ACK")); err != nil {
			t.Fatal(err)
		}
		receive(t, settlements).Confirm(c.settled, c.err)
		if m, err := sub.NextMsg(patience); err != nil || string(m.Data) != c.want {
			t.Errorf("%s: got %v, %v; want %s", c.name, m, err, c.want)
		}
	}
}

func TestAConfirmationGoesToInboxesOnly(t *testing.T) {
	t.Parallel()
	_, nc, settlements := listen(t)
	victim, err := nc.SubscribeSync("kapivara.v1.append.victim")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest(wire.SettleSubject("billing", "tok-1"), "kapivara.v1.append.victim", []byte("+ACK")); err != nil {
		t.Fatal(err)
	}
	s := receive(t, settlements)
	s.Confirm(kapivara.Settled{State: kapivara.Committed}, nil)
	if _, err := nc.Request(wire.SettleSubject("billing", "tok-1"), []byte("+ACK"), time.Millisecond); err == nil {
		t.Error("a second answer that nobody confirmed: got a reply")
	}
	receive(t, settlements)
	if m, err := victim.NextMsg(time.Millisecond); !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("got %v, %v; want nothing", m, err)
	}
}

func TestWhatIsNoAnswerIsPassedOver(t *testing.T) {
	t.Parallel()
	_, nc, settlements := listen(t)
	for subject, body := range map[string]string{
		wire.SettleSubject("billing", "tok-1"): `{"stream":"S","seq":7}`,
		wire.SettleSubject("Billing", "tok-1"): "+ACK",
	} {
		if err := nc.Publish(subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Publish(wire.SettleSubject("billing", "tok-2"), []byte("+WPI")); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, settlements); s.Token != "tok-2" || s.Answer.Verdict != kapivara.Progress {
		t.Errorf("got %+v, want the progress of tok-2 first", s)
	}
}
