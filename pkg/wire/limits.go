package wire

import "kapivara/pkg/kapivara"

// Limits of a request. Sizes are in bytes.
type Limits struct {
	Request    int // the whole request
	Data       int // the data of an event, decoded
	Attributes int // all other attributes of an event together
	Events     int // events of a request
	Depth      int // nesting of objects and arrays, the request itself counts as 1
}

// DefaultLimits are the limits of protocol section 2.
func DefaultLimits() Limits {
	return Limits{Request: 960 << 10, Data: 512 << 10, Attributes: 16 << 10, Events: kapivara.MaxEvents, Depth: 64}
}

// MaxReply is the most bytes of a reply's or a delivery's body, so that with headers it stays under 1 MiB.
const MaxReply = 1<<20 - 8<<10
