package natsbus

import (
	"log/slog"

	"github.com/nats-io/nats.go"
)

// drops tells when a subscription has lost messages because it did not keep up. It belongs to the goroutine of the
// subscription, which looks at each message: behind what was lost there always are messages that wait.
type drops struct{ seen int }

func (d *drops) check(sub *nats.Subscription, log *slog.Logger, where string) {
	dropped, err := sub.Dropped()
	if err != nil || dropped == d.seen {
		return
	}
	log.Warn("messages dropped: the subscription does not keep up", "where", where, "dropped", dropped-d.seen, "in_all", dropped)
	d.seen = dropped
}
