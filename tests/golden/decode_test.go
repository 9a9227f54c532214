package golden_test

import (
	"strings"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Our own decoders take every message, requests as well as what the SDK reads.
func TestDecodersTakeTheMessages(t *testing.T) {
	t.Parallel()
	decoders := map[string]func(body []byte) error{
		"event.json":                    func(b []byte) error { _, err := wire.DecodeEvent(b); return err },
		"append.request.json":           func(b []byte) error { _, err := wire.DecodeAppend(b, wire.DefaultLimits()); return err },
		"append.reply.json":             func(b []byte) error { _, err := wire.DecodeAppendReply(b); return err },
		"append-many.request.json":      func(b []byte) error { _, err := wire.DecodeAppendMany(b, wire.DefaultLimits()); return err },
		"append-many.reply.json":        func(b []byte) error { _, err := wire.DecodeAppendManyReply(b); return err },
		"committed.json":                func(b []byte) error { _, err := wire.DecodeCommitted(b); return err },
		"delivery.json":                 func(b []byte) error { _, _, err := wire.DecodeDelivery(b); return err },
		"delivery-row.json":             func(b []byte) error { _, err := wire.DecodeDeliveryRow(b); return err },
		"settle.request.json":           func(b []byte) error { _, _, err := wire.DecodeSettle(b); return err },
		"settle.reply.json":             func(b []byte) error { _, err := wire.DecodeSettled(b); return err },
		"claim.request.json":            func(b []byte) error { _, err := wire.DecodeClaim(b); return err },
		"claim.reply.json":              func(b []byte) error { _, err := wire.DecodeClaimed(b); return err },
		"delivery-hide.request.json":    operated(kapivara.Hide),
		"delivery-park.request.json":    operated(kapivara.Park),
		"delivery-retry.request.json":   operated(kapivara.Retry),
		"delivery-discard.request.json": operated(kapivara.Discard),
		"delivery-replay.request.json":  func(b []byte) error { _, err := wire.DecodeReplay(b); return err },
		"delivery-changed.reply.json":   func(b []byte) error { _, err := wire.DecodeChanged(b); return err },
		"release.request.json":          func(b []byte) error { _, err := wire.DecodeRelease(b); return err },
		"next.request.json":             func(b []byte) error { _, err := wire.DecodeNext("billing", b); return err },
		"next.reply.json":               func(b []byte) error { _, err := wire.DecodeNextReply(b); return err },
		"read-event.request.json":       func(b []byte) error { _, _, err := wire.DecodeReadEvent("_", b); return err },
		"read-log.request.json":         func(b []byte) error { _, _, err := wire.DecodeReadLog("_", b); return err },
		"read-streams.request.json":     func(b []byte) error { _, err := wire.DecodeReadStreams("_", b); return err },
		"read-explain.request.json":     func(b []byte) error { _, _, err := wire.DecodeReadExplain("_", b); return err },
		"read-last-committed.request.json": func(b []byte) error {
			_, err := wire.DecodeReadLastCommitted("billing", b)
			return err
		},
		"registry-publisher-set.request.json": func(b []byte) error {
			_, err := wire.DecodePublisherSet("loans-api", b)
			return err
		},
		"registry-event-type-set.request.json": func(b []byte) error {
			_, _, err := wire.DecodeEventTypeSet("loans-api", b)
			return err
		},
		"registry-subscriber-set.request.json": func(b []byte) error {
			_, err := wire.DecodeSubscriberSet("billing", b)
			return err
		},
		"registry-publisher-get.request.json": func(b []byte) error { return wire.DecodeRegistryName("loans-api", b) },
		"registry-event-type-get.request.json": func(b []byte) error {
			_, err := wire.DecodeEventTypeKey("loans-api", b)
			return err
		},
		"registry-subscriber-list.request.json": func(b []byte) error { _, _, err := wire.DecodeRegistryList(b); return err },
		"registry-publisher-list.reply.json":    func(b []byte) error { _, _, err := wire.DecodeRegistryPage(b); return err },
	}
	tried := map[string]bool{}
	for _, g := range messages(t) {
		decode := decoders[g.schema]
		if strings.HasPrefix(g.name, "error-") {
			headers := map[string]string{wire.ErrorHeader: "x"}
			if got := wire.DecodeError(func(name string) string { return headers[name] }, g.body); "error-"+string(got.Code) != g.name {
				t.Errorf("%s: got %s", g.name, got.Code)
			}
		}
		if decode == nil {
			continue
		}
		tried[g.schema] = true
		if err := decode(g.body); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
	}
	for name, decode := range decoders {
		if decode != nil && !tried[name] {
			t.Errorf("%s: no message", name)
		}
	}
}
