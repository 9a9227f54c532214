package dispatcher

import "kapivara/pkg/kapivara"

// enroll brings the desk's clients to what the roster says.
func (k *desk) enroll(roster *kapivara.Roster) {
	here := make(map[int32]bool, len(roster.Subscribers))
	for i := range roster.Subscribers {
		s := &roster.Subscribers[i]
		here[s.No] = true
		c := k.clients[s.No]
		if c == nil {
			c = &client{Subscriber: *s, lanes: map[kapivara.Bucket]*lane{}}
			k.clients[s.No] = c
		}
		roomier := s.MaxInFlight > c.MaxInFlight
		if s.Buckets != c.Buckets || s.CanaryBuckets != c.CanaryBuckets {
			k.reshare(c)
		}
		c.Subscriber = *s
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

// dismiss forgets a subscriber that was removed. Its unsettled deliveries ended with it.
func (k *desk) dismiss(c *client) {
	delete(k.clients, c.No)
	refuseCalls(c.claims.calls, errNoClient())
	c.claims = claims{}
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
