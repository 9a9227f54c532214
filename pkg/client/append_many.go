package client

import (
	"context"
	"fmt"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// AppendMany stores events in several streams, all or nothing, in the name of a publisher, where every append's own
// expectation and every condition hold at the commit, also of streams that are not written. On WrongVersion the facts of
// the *Error list each that does not in Violations: read those streams, decide again and send anew. Ids and retries are as
// with Append; a request that was stored is ok when it is sent again, whatever its conditions say by then.
func (c *Client) AppendMany(ctx context.Context, publisher string, m AppendMany) (AppendManyResult, error) {
	if err := kapivara.CheckToken("publisher", "a publisher", publisher); err != nil {
		return AppendManyResult{}, fmt.Errorf("append many: %w", err)
	}
	for i := range m.Appends {
		for k := range m.Appends[i].Events {
			if e := &m.Appends[i].Events[k]; e.ID == "" {
				e.ID = NewID()
			}
		}
	}
	subject := wire.AppendMany(publisher)
	reply, err := c.Request(ctx, subject, wire.EncodeAppendMany(nil, &m))
	if err != nil {
		return AppendManyResult{}, fmt.Errorf("append many: %w", err)
	}
	result, err := wire.DecodeAppendManyReply(reply)
	if err != nil {
		return AppendManyResult{}, fmt.Errorf("append many: %s: %w", subject, err)
	}
	return result, nil
}
