package natsbus

import (
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// retryAfter is when a request that was turned away is to be sent again.
const retryAfter = 100 * time.Millisecond

// busyReply is the refusal of what is beyond the limits of a service. It is never changed.
type busyReply struct {
	refusal *kapivara.Error
	header  nats.Header
	body    []byte
}

func newBusyReply() busyReply {
	refusal := &kapivara.Error{
		Code:    kapivara.Busy,
		Message: "the queue of the service is full; send the same request again after retry_after",
		Facts:   kapivara.Facts{RetryAfter: kapivara.FormatDuration(retryAfter)},
	}
	header, body := refusalMessage(refusal)
	return busyReply{refusal: refusal, header: header, body: body}
}

// refusalMessage writes a refusal as a message's header and body.
func refusalMessage(e *kapivara.Error) (nats.Header, []byte) {
	headers, body := wire.EncodeError(e)
	header := make(nats.Header, len(headers))
	for name, value := range headers {
		header[name] = []string{value}
	}
	return header, body
}
