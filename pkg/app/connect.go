package app

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
)

// reconnectBuffer is 0: what can't be sent at once is not kept back, since nobody waits for it any more when the server
// is there again.
const reconnectBuffer = -1

// Connect connects a service to NATS, for as long as it lives: it comes back by itself when the server does.
func Connect(c NATSConfig, name string, log *slog.Logger, more ...nats.Option) (*nats.Conn, error) {
	options := append([]nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 250*time.Millisecond),
		nats.ReconnectBufSize(reconnectBuffer),
		nats.Timeout(5 * time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("the connection to NATS is lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("the connection to NATS is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { natsError(log, sub, err) }),
	}, more...)
	if c.Creds != "" {
		options = append(options, nats.UserCredentials(c.Creds))
	}
	if c.User != "" {
		options = append(options, nats.UserInfo(c.User, c.Password))
		if kapivara.IsToken(c.User) { // each user has an inbox prefix of its own: see natsconf
			options = append(options, nats.CustomInboxPrefix("_INBOX_"+c.User))
		}
	}
	if c.TLSCA != "" {
		options = append(options, nats.RootCAs(c.TLSCA))
	}
	nc, err := nats.Connect(c.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// natsError logs what went wrong beside any call. Messages that a subscription drops are counted where it is served.
func natsError(log *slog.Logger, sub *nats.Subscription, err error) {
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	if errors.Is(err, nats.ErrSlowConsumer) {
		log.Warn("messages were dropped since they came faster than they were taken", "subject", subject)
		return
	}
	log.Error("NATS reports an error", "subject", subject, "err", err)
}
