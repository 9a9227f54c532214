package dispatcher

import "context"

// EndSendings has nothing leased any more, nor anybody looked for, until the dispatcher is started again, and returns when
// what had begun is out, or ctx ends. What is answered is settled as ever. Call it before it is not heard any more that a
// sending met nobody: what went out then would pass for sent, until its deadline, at the dispatcher after.
func (d *Dispatcher) EndSendings(ctx context.Context) {
	b, out := d.inbox, make(chan struct{})
	b.put(func() {
		b.ended = true
		if b.outs = append(b.outs, out); b.down { // whoever is at work next begins nothing
			b.outs = closeAll(b.outs)
		}
	})
	select {
	case <-out:
	case <-ctx.Done():
	}
}

// closeAll closes the channels, and gives the list of none.
func closeAll(channels []chan struct{}) []chan struct{} {
	for _, c := range channels {
		close(c)
	}
	return nil
}
