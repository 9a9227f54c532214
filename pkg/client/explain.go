package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kapivara/pkg/wire"
)

// Explanation says where a stream stands, and with whom.
type Explanation struct {
	State       StreamState
	Subscribers []Reason
	Raw         RawJSON // the answer as it came
}

// Reason says where a stream stands with one subscriber, why, and what would move it on.
type Reason struct {
	Subscriber string    `json:"subscriber"`
	State      State     `json:"state"` // "" where the stream is not due
	Code       string    `json:"reason"`
	Why        string    `json:"why"`
	NextStep   string    `json:"next_step"`
	Bucket     string    `json:"bucket"` // "" where it has none
	Number     int64     `json:"number"` // 0 until it is first leased
	Attempt    int       `json:"attempt"`
	Until      time.Time `json:"until"`
	Committed  time.Time `json:"committed"`
}

// Explain tells why a stream was delivered, or why not; subscriber "" asks for all of them.
func (c *Client) Explain(ctx context.Context, stream Stream, subscriber string) (Explanation, error) {
	request := struct {
		Stream     Stream `json:"stream"`
		Subscriber string `json:"subscriber,omitempty"`
	}{stream, subscriber}
	var raw RawJSON
	if err := c.ask(ctx, "explain", wire.Read("explain", contextOf(stream)), request, &raw); err != nil {
		return Explanation{}, err
	}
	var reply struct {
		StreamState
		Subscribers []Reason `json:"subscribers"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return Explanation{}, fmt.Errorf("explain: the answer is not Kapivara's: %w", err)
	}
	return Explanation{State: reply.StreamState, Subscribers: reply.Subscribers, Raw: raw}, nil
}
