package kapivara

import (
	"slices"
	"strings"
)

// Change is one change of the registry; its zero value changes nothing. An event type's publisher is set with it where
// the registry is open and has none.
type Change struct {
	SetPublisher     *Publisher
	SetType          *EventType
	SetSubscriber    *Subscriber // No is 0 for a new one
	RemovePublisher  string
	RemoveType       *EventType
	RemoveSubscriber *Subscriber
}

// None tells whether there is nothing to do.
func (c Change) None() bool { return c == Change{} }

// TypeKey names an event type of a publisher.
type TypeKey struct {
	Publisher string
	Type      string
}

// SetPublisher decides a set: the record as it will be, and the change that leads there.
func (r *Registry) SetPublisher(name string, patch PublisherPatch) (*Publisher, Change, error) {
	old := r.Publishers[name]
	from := NewPublisher(name)
	if old != nil {
		from = *old
	}
	p := patch.Apply(from)
	if err := firstOf(p.Check(), checkFreeText("description", p.Description), checkFilterSize("streams", p.Streams)); err != nil {
		return nil, Change{}, err
	}
	if old != nil && p.same(old) {
		return old, Change{}, nil
	}
	return &p, Change{SetPublisher: &p}, nil
}

// SetEventType decides a set. A type belongs to one publisher: another one is refused as forbidden until the type is
// removed. Where the registry is strict the publisher must be there.
func (r *Registry) SetEventType(key TypeKey, patch EventTypePatch) (*EventType, Change, error) {
	var change Change
	old := r.Types[key.Type]
	from := EventType{Type: key.Type, Publisher: key.Publisher}
	switch {
	case old != nil && old.Publisher != key.Publisher:
		return nil, Change{}, &Error{
			Code: Forbidden, Message: "the event type belongs to another publisher, which must remove it first",
			Facts: Facts{Publisher: key.Publisher, Type: key.Type},
		}
	case old != nil:
		from = *old
	}
	t, err := patch.Apply(from)
	if err != nil {
		return nil, Change{}, err
	}
	if err := t.Check(); err != nil {
		return nil, Change{}, err
	}
	if r.Publishers[key.Publisher] == nil {
		if !r.Open {
			return nil, Change{}, Refuse(NotFound, "the publisher %q is not registered; set it first", key.Publisher)
		}
		p := NewPublisher(key.Publisher)
		change.SetPublisher = &p
	}
	if old != nil && t.same(old) {
		return old, Change{}, nil
	}
	change.SetType = &t
	return &t, change, nil
}

// SetSubscriber decides a set while the log's head is head.
func (r *Registry) SetSubscriber(name string, patch SubscriberPatch, head int64) (*Subscriber, Change, error) {
	old := r.Subscriber(name)
	from := NewSubscriber(name)
	if old != nil {
		from = *old
	}
	s := patch.Apply(from)
	if err := firstOf(
		s.Check(), checkFreeText("description", s.Description), checkFilterSize("types", s.Types),
		checkFilterSize("streams", s.Streams), checkBackoff(s.Backoff),
	); err != nil {
		return nil, Change{}, err
	}
	if old != nil && s.same(old) {
		return old, Change{}, nil
	}
	s.Grown = s.Grown || s.Deliver == DeliverAppended
	if old != nil && s.Layout() != old.Layout() {
		s.Moving, s.Relaid = &Move{Subscriber: s.No, Until: head}, old.Relaid+1
	}
	if old == nil && s.Start.After > head {
		return nil, Change{}, Invalid("start", "start is \"new\", \"beginning\" or a log position up to the log's head, which is %d", head)
	}
	return &s, Change{SetSubscriber: &s}, nil
}

// DropPublisher decides a removal. A publisher that still owns event types is kept.
func (r *Registry) DropPublisher(name string) (Change, error) {
	if _, err := r.Publisher(name); err != nil {
		return Change{}, err
	}
	var owned []string
	for _, t := range r.Types {
		if t.Publisher == name {
			owned = append(owned, t.Type)
		}
	}
	if len(owned) > 0 {
		slices.Sort(owned)
		return Change{}, Invalid("name", "the publisher still has %d event types, remove them first; one is %q", len(owned), clip(owned[0]))
	}
	return Change{RemovePublisher: name}, nil
}

// DropEventType decides a removal.
func (r *Registry) DropEventType(key TypeKey) (Change, error) {
	t, err := r.EventType(key)
	return Change{RemoveType: t}, err
}

// DropSubscriber decides a removal.
func (r *Registry) DropSubscriber(name string) (Change, error) {
	s, err := r.SubscriberNamed(name)
	return Change{RemoveSubscriber: s}, err
}

// Publisher finds a publisher by its name, or answers not_found.
func (r *Registry) Publisher(name string) (*Publisher, error) {
	p := r.Publishers[name]
	if p == nil {
		return nil, Refuse(NotFound, "no publisher %q is registered", clip(name))
	}
	return p, nil
}

// SubscriberNamed finds a subscriber by its name, or answers not_found.
func (r *Registry) SubscriberNamed(name string) (*Subscriber, error) {
	s := r.Subscriber(name)
	if s == nil {
		return nil, Refuse(NotFound, "no subscriber %q is registered", clip(name))
	}
	return s, nil
}

// Subscriber finds a subscriber by its name, nil where there is none.
func (r *Registry) Subscriber(name string) *Subscriber {
	i := slices.IndexFunc(r.Subscribers, func(s *Subscriber) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return r.Subscribers[i]
}

// EventType finds an event type of a publisher; another publisher's is not_found.
func (r *Registry) EventType(key TypeKey) (*EventType, error) {
	t := r.Types[key.Type]
	if t == nil || t.Publisher != key.Publisher {
		return nil, Refuse(NotFound, "the publisher %q has no event type %q", clip(key.Publisher), clip(key.Type))
	}
	return t, nil
}

// PageOf gives the records whose names stand after a name, in the order of their names, at most limit; more tells
// whether others follow.
func PageOf[R any](records []R, name func(R) string, after string, limit int) (page []R, more bool) {
	for _, r := range records {
		if name(r) > after {
			page = append(page, r)
		}
	}
	slices.SortFunc(page, func(a, b R) int { return strings.Compare(name(a), name(b)) })
	if len(page) > limit {
		return page[:limit], true
	}
	return page, false
}
