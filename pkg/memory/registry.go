package memory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"kapivara/pkg/kapivara"
)

// Registry is the registry in memory. Its lock is the log's: what is appended is appended under it. It is made by
// NewRegistry.
type Registry struct {
	mu       sync.Mutex
	now      func() time.Time
	current  *kapivara.Registry // never changed, only replaced
	head     int64              // the log's head
	kinds    map[kapivara.TypeKey]int32
	numbered int32 // subscribers so far
	behind   map[int32]*gathering
	// backlog tells whether streams were completed at a log position in (after, until]. Nil means none, and that there is
	// no log.
	backlog func(after, until int64) bool
	// removed is told, under the lock, of a subscriber that has been removed. It may be nil.
	removed func(s *kapivara.Subscriber)
	// changed is told, under the lock, of each new registry. It may be nil.
	changed func(r *kapivara.Registry)
}

// NewRegistry makes an empty one. now is the store's clock.
func NewRegistry(open bool, now func() time.Time) *Registry {
	return &Registry{
		now: now, kinds: map[kapivara.TypeKey]int32{}, behind: map[int32]*gathering{},
		current: &kapivara.Registry{
			Version: 1, Open: open, Publishers: map[string]*kapivara.Publisher{}, Types: map[string]*kapivara.EventType{},
		},
	}
}

// Registry gives the registry as it is now.
func (r *Registry) Registry(context.Context) (*kapivara.Registry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current, nil
}

// Change decides and makes a change under the log's lock: see the port in the writer.
func (r *Registry) Change(
	_ context.Context, decide func(*kapivara.Registry, int64) (kapivara.Change, error),
) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change, err := decide(r.current, r.head)
	if err != nil || change.None() {
		return r.head, err
	}
	r.apply(change)
	return r.head, nil
}

func (r *Registry) apply(c kapivara.Change) {
	next := *r.current
	next.Version++
	next.Publishers, next.Types = maps.Clone(next.Publishers), maps.Clone(next.Types)
	next.Subscribers = slices.Clone(next.Subscribers)
	if c.SetPublisher != nil {
		r.setPublisher(&next, c.SetPublisher)
	}
	if c.SetType != nil {
		r.setType(&next, c.SetType)
	}
	if c.SetSubscriber != nil {
		r.setSubscriber(&next, c.SetSubscriber)
	}
	if c.RemovePublisher != "" {
		delete(next.Publishers, c.RemovePublisher)
	}
	if c.RemoveType != nil {
		delete(next.Types, c.RemoveType.Type)
	}
	if c.RemoveSubscriber != nil {
		no := c.RemoveSubscriber.No
		next.Subscribers = slices.DeleteFunc(next.Subscribers, func(s *kapivara.Subscriber) bool { return s.No == no })
		if r.removed != nil {
			r.removed(c.RemoveSubscriber)
		}
	}
	r.become(&next)
}

func (r *Registry) become(next *kapivara.Registry) {
	r.current = next
	if r.changed != nil {
		r.changed(next)
	}
}

func (r *Registry) setPublisher(next *kapivara.Registry, p *kapivara.Publisher) {
	p.LogPosition = r.head
	if p.Created.IsZero() {
		p.Created = r.now()
	}
	next.Publishers[p.Name] = p
}

func (r *Registry) setType(next *kapivara.Registry, t *kapivara.EventType) {
	key := kapivara.TypeKey{Publisher: t.Publisher, Type: t.Type}
	if r.kinds[key] == 0 {
		r.kinds[key] = int32(len(r.kinds) + 1)
	}
	t.Kind, t.LogPosition = r.kinds[key], r.head
	if t.Created.IsZero() {
		t.Created = r.now()
	}
	next.Types[t.Type] = t
}

func (r *Registry) setSubscriber(next *kapivara.Registry, s *kapivara.Subscriber) {
	s.LogPosition = r.head
	if i := slices.IndexFunc(next.Subscribers, func(o *kapivara.Subscriber) bool { return o.No == s.No }); i >= 0 {
		next.Subscribers[i] = s
		return
	}
	r.numbered++
	s.No, s.Created = r.numbered, r.now()
	s.Behind = !s.Start.New && r.backlog != nil &&
		(s.Deliver == kapivara.DeliverAppended && s.Start.After < r.head || r.backlog(s.Start.After, r.head))
	if s.Behind {
		r.behind[s.No] = &gathering{after: s.Start.After, until: r.head, deliver: s.Deliver, types: s.Types, streams: s.Streams}
	}
	next.Subscribers = append(next.Subscribers, s)
}
