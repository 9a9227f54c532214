package writer

import (
	"context"
	"maps"
	"slices"

	"kapivara/pkg/kapivara"
)

// RegistryStore is where the registry is kept.
type RegistryStore interface {
	// Registry gives the registry as it is now. It is shared: nobody changes what it holds.
	Registry(ctx context.Context) (*kapivara.Registry, error)
	// Change runs decide under the log's lock, on the registry as it is then and the log's head, and makes the change
	// that it returns durable: it fills Created, LogPosition, Kind and No of the change's records and gives the
	// registry its next version. A change that changes nothing stores nothing. It returns the head. decide may run
	// more than once; its error is returned as it is.
	Change(ctx context.Context, decide func(r *kapivara.Registry, head int64) (kapivara.Change, error)) (int64, error)
}

// Registry is the use case of the registry: protocol section 6.
type Registry struct {
	Publishers  Publishers
	EventTypes  EventTypes
	Subscribers Subscribers
}

// NewRegistry serves the registry of a store. checkSchema refuses what is no JSON Schema; changed is told of each
// change, after it is durable, with the log's head at which it was made.
func NewRegistry(store RegistryStore, checkSchema func(schema []byte) error, changed func(head int64)) *Registry {
	c := changer{store: store, changed: changed}
	return &Registry{
		Publishers:  Publishers{c},
		EventTypes:  EventTypes{c, checkSchema},
		Subscribers: Subscribers{c},
	}
}

// changer makes a change and tells of it.
type changer struct {
	store   RegistryStore
	changed func(head int64)
}

func (c changer) change(ctx context.Context, decide func(*kapivara.Registry, int64) (kapivara.Change, error)) (int64, error) {
	done := false
	head, err := c.store.Change(ctx, func(r *kapivara.Registry, head int64) (kapivara.Change, error) {
		change, err := decide(r, head)
		done = !change.None()
		return change, err
	})
	if err != nil {
		return 0, err
	}
	if done && c.changed != nil {
		c.changed(head)
	}
	return head, nil
}

// Publishers are the publishers of the registry, by name.
type Publishers struct{ changer }

// Set creates the publisher, or changes the fields that the patch has.
func (p Publishers) Set(ctx context.Context, name string, patch kapivara.PublisherPatch) (record *kapivara.Publisher, err error) {
	_, err = p.change(ctx, func(r *kapivara.Registry, _ int64) (change kapivara.Change, err error) {
		record, change, err = r.SetPublisher(name, patch)
		return change, err
	})
	return record, err
}

// Get gives the publisher, or not_found.
func (p Publishers) Get(ctx context.Context, name string) (*kapivara.Publisher, error) {
	r, err := p.store.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return r.Publisher(name)
}

// Remove removes the publisher and returns the log's head at which that was done. One that owns event types is kept.
func (p Publishers) Remove(ctx context.Context, name string) (int64, error) {
	return p.change(ctx, func(r *kapivara.Registry, _ int64) (kapivara.Change, error) { return r.DropPublisher(name) })
}

// List gives at most limit publishers whose names stand after a name, and whether others follow.
func (p Publishers) List(ctx context.Context, after string, limit int) ([]*kapivara.Publisher, bool, error) {
	r, err := p.store.Registry(ctx)
	if err != nil {
		return nil, false, err
	}
	page, more := kapivara.PageOf(slices.Collect(maps.Values(r.Publishers)),
		func(p *kapivara.Publisher) string { return p.Name }, after, limit)
	return page, more, nil
}

// EventTypes are the event types of the registry.
type EventTypes struct {
	changer
	checkSchema func([]byte) error
}

// Set creates the event type, or changes the fields that the patch has.
func (e EventTypes) Set(ctx context.Context, key kapivara.TypeKey, patch kapivara.EventTypePatch) (record *kapivara.EventType, err error) {
	if patch.Schema != nil && len(*patch.Schema) > 0 {
		if err := e.checkSchema(*patch.Schema); err != nil {
			return nil, err
		}
	}
	_, err = e.change(ctx, func(r *kapivara.Registry, _ int64) (change kapivara.Change, err error) {
		record, change, err = r.SetEventType(key, patch)
		return change, err
	})
	return record, err
}

// Get gives the event type where it is the publisher's, or not_found.
func (e EventTypes) Get(ctx context.Context, key kapivara.TypeKey) (*kapivara.EventType, error) {
	r, err := e.store.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return r.EventType(key)
}

// Remove removes the event type and returns the log's head at which that was done. Its events stay.
func (e EventTypes) Remove(ctx context.Context, key kapivara.TypeKey) (int64, error) {
	return e.change(ctx, func(r *kapivara.Registry, _ int64) (kapivara.Change, error) { return r.DropEventType(key) })
}

// List gives at most limit event types that stand after a type, and whether others follow.
func (e EventTypes) List(ctx context.Context, after string, limit int) ([]*kapivara.EventType, bool, error) {
	r, err := e.store.Registry(ctx)
	if err != nil {
		return nil, false, err
	}
	page, more := kapivara.PageOf(slices.Collect(maps.Values(r.Types)),
		func(t *kapivara.EventType) string { return t.Type }, after, limit)
	return page, more, nil
}

// Subscribers are the subscribers of the registry, by name.
type Subscribers struct{ changer }

// Set creates the subscriber, or changes the fields that the patch has. Where start of a new one lies before the log's
// head, what became due since then is gathered in the background, and sent once that is done.
func (s Subscribers) Set(ctx context.Context, name string, patch kapivara.SubscriberPatch) (record *kapivara.Subscriber, err error) {
	_, err = s.change(ctx, func(r *kapivara.Registry, head int64) (change kapivara.Change, err error) {
		record, change, err = r.SetSubscriber(name, patch, head)
		return change, err
	})
	return record, err
}

// Get gives the subscriber, or not_found.
func (s Subscribers) Get(ctx context.Context, name string) (*kapivara.Subscriber, error) {
	r, err := s.store.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return r.SubscriberNamed(name)
}

// Remove removes the subscriber with all that it has not committed, and returns the log's head at which that was done.
func (s Subscribers) Remove(ctx context.Context, name string) (int64, error) {
	return s.change(ctx, func(r *kapivara.Registry, _ int64) (kapivara.Change, error) { return r.DropSubscriber(name) })
}

// List gives at most limit subscribers whose names stand after a name, and whether others follow.
func (s Subscribers) List(ctx context.Context, after string, limit int) ([]*kapivara.Subscriber, bool, error) {
	r, err := s.store.Registry(ctx)
	if err != nil {
		return nil, false, err
	}
	page, more := kapivara.PageOf(r.Subscribers, func(s *kapivara.Subscriber) string { return s.Name }, after, limit)
	return page, more, nil
}
