package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// keptFor is how long an answer for another dispatcher's subscriber is kept: as long as it takes until another one has the
// duty, whatever happens to that dispatcher.
const keptFor = 5 * time.Second

// foreign looks after an answer for a subscriber that is another dispatcher's. One that was sent to all of them is kept:
// if that one has died, this one may get the duty, and then the answer counts. A request is for whoever has the duty.
func (k *desk) foreign(a *answer) {
	k.strange(a.subscriber)
	if !a.pushed {
		a.reply(kapivara.Settled{}, kapivara.ErrOffDuty)
		return
	}
	a.kept = true
	k.kept = append(k.kept, a)
	k.forgetKept()
}

// strange reads the roster where it does not know of the subscriber: it may have been set just now.
func (k *desk) strange(subscriber string) {
	if !k.known[subscriber] {
		k.wants.roster = true
	}
}

// forgetKept lets go of what was kept for long enough, and of the oldest where there is too much.
func (k *desk) forgetKept() {
	n := 0
	for n < len(k.kept) && (len(k.kept)-n > k.cfg.Inbox || time.Since(k.kept[n].at) > keptFor) {
		k.kept[n] = nil
		n++
	}
	k.kept = k.kept[n:]
}

// claimKept judges what was kept for a client that has just come.
func (k *desk) claimKept(c *client) {
	k.forgetKept()
	rest := k.kept[:0]
	for _, a := range k.kept {
		if a.subscriber == c.Name {
			k.answers = append(k.answers, a)
		} else {
			rest = append(rest, a)
		}
	}
	clear(k.kept[len(rest):])
	k.kept = rest
}

// refuseUnknown refuses what was kept for subscribers that do not exist, by a roster read since.
func (k *desk) refuseUnknown(read time.Time) {
	rest := k.kept[:0]
	for _, a := range k.kept {
		if !k.known[a.subscriber] && a.at.Before(read) {
			a.reply(kapivara.Settled{}, stale(a, ""))
		} else {
			rest = append(rest, a)
		}
	}
	clear(k.kept[len(rest):])
	k.kept = rest
}
