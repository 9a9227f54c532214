package natsconf_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/tests/kit"
)

func TestAForgedReplySubjectReachesNoOtherRequest(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	reader, writer, publisher := connect(t, srv, "reader"), connect(t, srv, "writer"), connect(t, srv, "publisher")
	reads, _ := reader.SubscribeSync("kapivara.v1.read.>")
	appends, _ := writer.SubscribeSync("kapivara.v1.append.>")
	reader.flush(t)
	writer.flush(t)

	// The answer to a read, sent as if it were an append of another publisher.
	if err := publisher.PublishRequest("kapivara.v1.read.stream.lending", "kapivara.v1.append.victim", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	read := next(t, reads)
	if !strings.HasPrefix(read.Reply, "_R_.") {
		t.Errorf("reply subject: got %q, want one that the import made", read.Reply)
	}
	if err := read.Respond([]byte("the answer")); err != nil {
		t.Fatal(err)
	}
	reader.flush(t)
	// An honest append behind it shows that nothing came before.
	publisher.publish(t, "kapivara.v1.append.loans-api")
	if msg := next(t, appends); msg.Subject != "kapivara.v1.append.loans-api" {
		t.Errorf("the writer got %q on %s with reply %q, want the honest append alone", msg.Data, msg.Subject, msg.Reply)
	}
}

func TestRequestsCrossAndAreAnswered(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	writer := connect(t, srv, "writer")
	_, err := writer.QueueSubscribe("kapivara.v1.append.*", "kapivara-writer", func(m *nats.Msg) { _ = m.Respond([]byte("stored")) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = writer.QueueSubscribe("kapivara.v1.registry.>", "kapivara-writer", func(m *nats.Msg) { _ = m.Respond([]byte("set")) })
	if err != nil {
		t.Fatal(err)
	}
	writer.flush(t)
	for role, request := range map[string][2]string{
		"publisher": {"kapivara.v1.append.loans-api", "stored"},
		"operator":  {"kapivara.v1.registry.publisher.set.loans-api", "set"},
	} {
		msg, err := connect(t, srv, role).Request(request[0], []byte("{}"), patience)
		if err != nil || string(msg.Data) != request[1] {
			t.Errorf("%s: got %v, %v; want %s", role, msg, err, request[1])
		}
	}
}

func TestADeliveryCrossesAndItsAnswerComesBack(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	dispatcher, subscriber := connect(t, srv, "dispatcher"), connect(t, srv, "subscriber")
	settle, _ := dispatcher.SubscribeSync("kapivara.v1.settle.billing.token")
	dispatcher.flush(t)
	send := func() {
		t.Helper()
		if err := dispatcher.PublishRequest("kapivara.v1.bucket.billing.0", "kapivara.v1.settle.billing.token", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}

	send()
	if _, err := settle.NextMsg(patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("with no subscriber: got %v, want no responders", err)
	}

	bucket, _ := subscriber.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	subscriber.flush(t)
	send()
	delivery := next(t, bucket)
	if err := delivery.Respond([]byte("+ACK")); err != nil {
		t.Fatal(err)
	}
	if msg := next(t, settle); string(msg.Data) != "+ACK" {
		t.Errorf("answer: got %q, want +ACK", msg.Data)
	}
	if subscriber.refused(t) || dispatcher.refused(t) {
		t.Errorf("refused: %v, %v", subscriber.LastError(), dispatcher.LastError())
	}
}

// Between the accounts, too, it is said that a delivery meets nobody before the echo of its sending, and the dispatcher's
// rights are enough for that: whatever is not said by then has arrived.
func TestThatNobodyListensIsSaidBeforeTheEcho(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	dispatcher, subscriber := connect(t, srv, "dispatcher"), connect(t, srv, "subscriber")
	sender := natsbus.NewSender(dispatcher.Conn)
	said := make(chan string, 10)
	if _, err := sender.Listen(kit.Logger(t), func(s natsbus.Settlement) { said <- fmt.Sprintf("nobody %v", s.Nobody) }); err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		line := sender.Line()
		d := &kapivara.Delivery{Subscriber: "billing", Stream: "a/b/c/1", Token: "token", Cause: kapivara.CauseComplete}
		if err := sender.SendDelivery(d, ""); err != nil {
			t.Fatal(err)
		}
		sender.Echo(line, func(certain bool) { said <- fmt.Sprintf("echo, certain %v", certain) })
	}
	hear := func(want string) {
		t.Helper()
		select {
		case got := <-said:
			if got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("nothing came, want %q", want)
		}
	}
	send()
	hear("nobody true")
	hear("echo, certain true")
	bucket, _ := subscriber.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	subscriber.flush(t)
	send()
	hear("echo, certain true")
	next(t, bucket)
	if dispatcher.refused(t) {
		t.Errorf("refused: %v", dispatcher.LastError())
	}
}

func TestInternalSubjectsStayInside(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	writer, dispatcher := connect(t, srv, "writer"), connect(t, srv, "dispatcher")
	pokes, _ := dispatcher.SubscribeSync("kapivara.v1.internal.>")
	dispatcher.flush(t)
	writer.publish(t, "kapivara.v1.internal.committed")
	if msg := next(t, pokes); msg.Subject != "kapivara.v1.internal.committed" {
		t.Errorf("got %s", msg.Subject)
	}
}

// The server lets a client name a bucket as the reply subject of its request, and the service's answer goes there. Such
// a message has no reply subject, which every true delivery has: this is what the SDK tells them apart by.
func TestAnAnswerSentToABucketHasNoReplySubject(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	reader, publisher, subscriber := connect(t, srv, "reader"), connect(t, srv, "publisher"), connect(t, srv, "subscriber")
	reads, _ := reader.SubscribeSync("kapivara.v1.read.>")
	bucket, _ := subscriber.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	reader.flush(t)
	subscriber.flush(t)
	if err := publisher.PublishRequest("kapivara.v1.read.stream.lending", "kapivara.v1.bucket.billing.0", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := next(t, reads).Respond([]byte("the answer")); err != nil {
		t.Fatal(err)
	}
	if msg := next(t, bucket); msg.Reply != "" {
		t.Errorf("reply subject: got %q, want none", msg.Reply)
	}
}
