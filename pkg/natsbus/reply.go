package natsbus

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
)

// respond publishes the answer to a request: its body, or err as a refusal. It gives the refusal that was sent, if any.
func respond(nc *nats.Conn, log *slog.Logger, reply, subject string, body []byte, err error) *kapivara.Error {
	if err == nil {
		if err = nc.Publish(reply, body); err == nil {
			return nil
		}
	}
	refusal := asRefusal(err, log, subject)
	header, text := refusalMessage(refusal)
	if err := nc.PublishMsg(&nats.Msg{Subject: reply, Header: header, Data: text}); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		log.Error("reply lost", "subject", subject, "error", err)
	}
	return refusal
}

// asRefusal gives what has no code a trace, and logs it under that trace: the caller learns no more.
func asRefusal(err error, log *slog.Logger, subject string) *kapivara.Error {
	var refusal *kapivara.Error
	if errors.As(err, &refusal) && refusal.Code != kapivara.Internal {
		return refusal
	}
	trace := newTrace()
	log.Error("request failed", "subject", subject, "trace", trace, "error", err)
	return &kapivara.Error{
		Code:    kapivara.Internal,
		Message: "something went wrong in the service; its log has more under the trace " + trace,
		Facts:   kapivara.Facts{Trace: trace},
	}
}

func newTrace() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
