package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// enroll brings the desk's clients to what the roster says: those of its subscribers for which the desk has the duty.
func (k *desk) enroll(roster *kapivara.Roster) {
	here, known := map[int32]bool{}, k.known
	k.known = make(map[string]bool, len(roster.Subscribers))
	for i := range roster.Subscribers {
		s := &roster.Subscribers[i]
		k.known[s.Name] = true
		epoch, mine := k.duties[s.No]
		if !mine {
			if !known[s.Name] {
				k.shared = time.Time{} // nobody has it yet
			}
			continue
		}
		here[s.No] = true
		c := k.clients[s.No]
		if c == nil {
			c = k.welcome(s, epoch)
		}
		roomier, grown := s.MaxInFlight > c.MaxInFlight, s.Grown || c.Grown
		if c.Layout() != s.Layout() {
			k.reshare(c)
		}
		k.settings(c, s)
		c.Grown = grown
		for b := -s.CanaryBuckets; b < s.Buckets; b++ {
			if l := k.lane(c, kapivara.Bucket(b)); roomier {
				k.touch(l)
				k.feed(l)
			}
		}
	}
	for i := range roster.Presences {
		p := &roster.Presences[i]
		if c := k.clients[p.Subscriber]; c != nil && c.listening == nil {
			c.listening, c.lastAnswer, c.silent = p.Listening, p.LastAnswer, p.Silent
		}
	}
	for no, c := range k.clients {
		if !here[no] {
			k.dismiss(c)
		}
	}
}

// welcome makes a client of a subscriber. What was answered to its deliveries while another had the duty is judged.
func (k *desk) welcome(s *kapivara.Subscriber, epoch int64) *client {
	if old := k.names[s.Name]; old != nil {
		k.dismiss(old) // removed and set again
	}
	c := newClient(*s)
	c.epoch = epoch
	k.clients[s.No], k.names[s.Name] = c, c
	k.inbox.own(s.Name, true)
	k.claimKept(c)
	return c
}

// lane gives the client's lane of the bucket, a cold one where it had none.
func (k *desk) lane(c *client, b kapivara.Bucket) *lane {
	l := c.lanes[b]
	if l == nil {
		l = newLane(c, b, k.cfg.Hidden)
		c.lanes[b] = l
		k.feed(l)
	}
	return l
}

// dismiss forgets a subscriber that was removed, or is another dispatcher's.
func (k *desk) dismiss(c *client) {
	delete(k.clients, c.No)
	delete(k.names, c.Name)
	k.inbox.own(c.Name, false)
	refuseCalls(c.claims.calls, kapivara.ErrOffDuty)
	c.claims = claims{}
	k.sendAway(c, kapivara.ErrOffDuty) // whoever has asked finds who works for it now, or that nobody does
	for _, l := range c.lanes {
		if k.lanes[l.row.No] == l {
			delete(k.lanes, l.row.No)
		}
		l.forget()
	}
}

// chill throws away what is known of the lane, to read it anew.
func (k *desk) chill(l *lane) {
	l.forget()
	k.feed(l)
}
