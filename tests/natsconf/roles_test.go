package natsconf_test

import (
	"strings"
	"testing"
)

// rights are subjects to try; a subscription's queue group stands behind its subject.
type rights struct {
	mayPublish, mayNotPublish     []string
	maySubscribe, mayNotSubscribe []string
}

// everybodysLimits hold for each role but the one that serves the subject.
var everybodysLimits = rights{
	mayNotSubscribe: []string{
		">", "kapivara.>", "kapivara.v1.>", "kapivara.v1.bucket.>", "kapivara.v1.bucket.billing.0", "_INBOX.>", "_R_.>",
		"kapivara.v1.bucket.shipping.* shipping", "kapivara.v1.bucket.billing.* spies", "*.v1.bucket.billing.* billing",
	},
	mayNotPublish: []string{"$SYS.REQ.SERVER.PING", "$JS.API.INFO", "anything.else"},
}

var byRole = map[string]rights{
	"publisher": {
		mayPublish:   []string{"kapivara.v1.append.loans-api", "kapivara.v1.append-many.loans-api", "kapivara.v1.read.stream.lending"},
		maySubscribe: []string{"_INBOX_publisher.x"},
		mayNotPublish: []string{
			"kapivara.v1.append.other-api", "kapivara.v1.append-many.other-api", "kapivara.v1.append.loans-api.x",
			"kapivara.v1.read.stream.shipping", "kapivara.v1.read.stream._", "kapivara.v1.read.log._", "kapivara.v1.read.bucket.billing",
			"kapivara.v1.registry.publisher.set.loans-api", "kapivara.v1.settle.billing.token", "kapivara.v1.next.billing",
			"kapivara.v1.delivery.discard.billing", "kapivara.v1.bucket.billing.0", "kapivara.v1.watch.parked.billing",
			"kapivara.v1.internal.committed", "_INBOX_subscriber.x", "$SRV.PING",
		},
		mayNotSubscribe: []string{
			"kapivara.v1.bucket.billing.* billing", "kapivara.v1.watch.>", "kapivara.v1.append.loans-api",
			"kapivara.v1.append.> q", "_INBOX_subscriber.>", "$SRV.PING",
		},
	},
	"subscriber": {
		mayPublish: []string{
			"kapivara.v1.settle.billing", "kapivara.v1.settle.billing.token", "kapivara.v1.next.billing", "kapivara.v1.claim.billing",
			"kapivara.v1.release.billing", "kapivara.v1.read.delivery.billing", "kapivara.v1.read.subscriber.billing",
			"kapivara.v1.read.bucket.billing", "kapivara.v1.read.last-committed.billing",
		},
		maySubscribe: []string{
			"kapivara.v1.bucket.billing.* billing", "kapivara.v1.bucket.billing.3 billing",
			"kapivara.v1.bucket.billing.*.node-1 billing", "_INBOX_subscriber.x",
		},
		mayNotPublish: []string{
			"kapivara.v1.settle.shipping", "kapivara.v1.settle.shipping.token", "kapivara.v1.next.shipping", "kapivara.v1.claim.shipping",
			"kapivara.v1.release.shipping", "kapivara.v1.read.delivery.shipping", "kapivara.v1.read.stream.billing",
			"kapivara.v1.read.log._", "kapivara.v1.append.billing", "kapivara.v1.registry.subscriber.set.billing",
			"kapivara.v1.delivery.replay.billing", "kapivara.v1.bucket.billing.0", "kapivara.v1.watch.parked.billing",
		},
		mayNotSubscribe: []string{
			"kapivara.v1.bucket.billing.*", "kapivara.v1.settle.billing.>",
			"kapivara.v1.settle.> billing", "kapivara.v1.watch.>",
		},
	},
	"onlooker": {
		mayPublish:   []string{"$SRV.PING", "$SRV.STATS.kapivara-writer"},
		maySubscribe: []string{"kapivara.v1.watch.>", "kapivara.v1.watch.log.lending.>", "_INBOX_onlooker.x"},
		mayNotPublish: []string{
			"kapivara.v1.read.log._", "kapivara.v1.read.stream._", "kapivara.v1.append.loans-api", "kapivara.v1.settle.billing.token",
			"kapivara.v1.next.billing", "kapivara.v1.watch.parked.billing", "kapivara.v1.registry.subscriber.list",
		},
		mayNotSubscribe: []string{
			"kapivara.v1.bucket.billing.* billing", "kapivara.v1.bucket.> onlookers", "kapivara.v1.append.>", "_INBOX_publisher.>",
		},
	},
	"operator": {
		mayPublish: []string{
			"kapivara.v1.registry.subscriber.set.billing", "kapivara.v1.registry.publisher.list", "kapivara.v1.delivery.retry.billing",
			"kapivara.v1.read.log._", "kapivara.v1.read.explain.lending", "$SRV.PING",
		},
		maySubscribe:    []string{"kapivara.v1.watch.>", "_INBOX_operator.x"},
		mayNotPublish:   []string{"kapivara.v1.append.loans-api", "kapivara.v1.settle.billing.token", "kapivara.v1.bucket.billing.0", "kapivara.v1.internal.committed"},
		mayNotSubscribe: []string{"kapivara.v1.bucket.billing.* billing", "kapivara.v1.append.>", "kapivara.v1.internal.>", "_INBOX_writer.>"},
	},
	"writer": {
		mayPublish:      []string{"_R_.x", "_INBOX_operator.x", "kapivara.v1.internal.committed", "kapivara.v1.watch.log.lending.loans.application"},
		maySubscribe:    []string{"kapivara.v1.append.* kapivara-writer", "kapivara.v1.append-many.*", "kapivara.v1.registry.>", "$SRV.PING"},
		mayNotPublish:   []string{"kapivara.v1.bucket.billing.0", "kapivara.v1.settle.billing.token", "kapivara.v1.append.loans-api", "kapivara.v1.delivery.discard.billing"},
		mayNotSubscribe: []string{"kapivara.v1.settle.>", "kapivara.v1.bucket.billing.* billing", "kapivara.v1.read.>"},
	},
	"reader": {
		mayPublish:      []string{"_R_.x", "_INBOX_operator.x"},
		maySubscribe:    []string{"kapivara.v1.read.> kapivara-reader", "kapivara.v1.internal.committed", "$SRV.PING"},
		mayNotPublish:   []string{"kapivara.v1.append.loans-api", "kapivara.v1.registry.publisher.set.x", "kapivara.v1.bucket.billing.0", "kapivara.v1.internal.committed", "kapivara.v1.watch.log.a.b.c"},
		mayNotSubscribe: []string{"kapivara.v1.append.>", "kapivara.v1.settle.>", "kapivara.v1.bucket.billing.* billing"},
	},
	"dispatcher": {
		mayPublish: []string{
			"kapivara.v1.bucket.billing.0", "kapivara.v1.bucket.billing.0.node-1", "kapivara.v1.watch.bucket.billing.0",
			"kapivara.v1.watch.parked.billing", "kapivara.v1.internal.wake", "_R_.x",
		},
		maySubscribe: []string{
			"kapivara.v1.settle.>", "kapivara.v1.next.*", "kapivara.v1.claim.*", "kapivara.v1.release.*", "kapivara.v1.delivery.>",
			"kapivara.v1.internal.>", "$SRV.PING",
		},
		mayNotPublish:   []string{"kapivara.v1.append.loans-api", "kapivara.v1.watch.log.a.b.c", "kapivara.v1.registry.subscriber.remove.billing"},
		mayNotSubscribe: []string{"kapivara.v1.append.>", "kapivara.v1.read.>", "kapivara.v1.bucket.billing.* billing"},
	},
}

func TestEachRoleMayDoItsOwnWorkAndNoMore(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	for _, role := range roles {
		r := byRole[role]
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			// One connection for all that is allowed; one for each refusal, to know what was refused.
			u := connect(t, srv, role)
			for _, subject := range r.mayPublish {
				u.publish(t, subject)
			}
			for _, subject := range r.maySubscribe {
				u.subscribe(t, subject)
			}
			if u.refused(t) {
				t.Errorf("its own work is refused: %v", u.LastError())
			}
			for _, subject := range append(r.mayNotPublish, everybodysLimits.mayNotPublish...) {
				u := connect(t, srv, role)
				if u.publish(t, subject); !u.refused(t) {
					t.Errorf("may publish to %s, want a refusal", subject)
				}
			}
			for _, subject := range append(r.mayNotSubscribe, everybodysLimits.mayNotSubscribe...) {
				u := connect(t, srv, role)
				if u.subscribe(t, subject); !u.refused(t) {
					t.Errorf("may subscribe to %s, want a refusal", subject)
				}
			}
		})
	}
}

func (u user) publish(t *testing.T, subject string) {
	t.Helper()
	if err := u.Publish(subject, []byte("{}")); err != nil {
		t.Fatal(err)
	}
}

func (u user) subscribe(t *testing.T, subject string) {
	t.Helper()
	subject, queue, grouped := strings.Cut(subject, " ")
	var err error
	if grouped {
		_, err = u.QueueSubscribeSync(subject, queue)
	} else {
		_, err = u.SubscribeSync(subject)
	}
	if err != nil {
		t.Fatal(err)
	}
}
