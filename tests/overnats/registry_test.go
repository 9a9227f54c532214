package overnats_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"kapivara/pkg/app"
	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/wire"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	porttest.RegistryRecords(t, func(t *testing.T, open bool) (*porttest.Records, writer.RegistryStore, func() int) {
		url := kit.Postgres(t)
		store := stores.PostgresAt(t, url, open).Registry
		// Notes of changes become one on the way, so they cannot be counted.
		return remoteRecords(t, url, open, store), store, nil
	})
}

// remoteRecords is the registry through a write service on a NATS server of its own, which starts when it is first asked.
// The store's numbers of the records do not go over the wire; they are looked up.
func remoteRecords(t testing.TB, pgURL string, open bool, store writer.RegistryStore) *porttest.Records {
	r := remoteRegistry{store: store, start: sync.OnceValue(func() *client.Client {
		config := settings(kit.NATS(t), pgURL)
		config.OpenRegistry = open
		run(t, config, app.Writer)
		return connect(t, config.NATS.URL)
	})}
	return &porttest.Records{Publishers: remotePublishers{r}, EventTypes: remoteTypes{r}, Subscribers: remoteSubscribers{r}}
}

type remoteRegistry struct {
	start func() *client.Client
	store writer.RegistryStore
}

// list asks for a page behind a name. A cursor is opaque, so the way to it leads through a page of each record before.
func list[R any](ctx context.Context, c *client.Client, kind, after string, limit int, name func(R) string) ([]R, bool, error) {
	cursor := ""
	for at := ""; ; {
		request := map[string]any{"limit": limit}
		if at != after {
			request["limit"] = 1
		}
		if cursor != "" {
			request["cursor"] = cursor
		}
		body, err := json.Marshal(request)
		if err != nil {
			return nil, false, err
		}
		reply, err := c.Request(ctx, wire.Registry(kind, "list"), body)
		if err != nil {
			return nil, false, err
		}
		raw, further, err := wire.DecodeRegistryPage(reply)
		if err != nil {
			return nil, false, err
		}
		items := make([]R, len(raw))
		for i := range raw {
			if err := json.Unmarshal(raw[i], &items[i]); err != nil {
				return nil, false, err
			}
		}
		if at == after {
			return items, further != "", nil
		}
		if len(items) != 1 || further == "" {
			return nil, false, errors.New("there is no record " + after)
		}
		at, cursor = name(items[0]), further
	}
}

type remotePublishers struct{ remoteRegistry }

func corePublisher(p *client.Publisher) *kapivara.Publisher {
	return &kapivara.Publisher{
		Name: p.Name, Description: p.Description, Streams: p.Streams, Created: p.Created, LogPosition: p.LogPosition,
	}
}

func (r remotePublishers) Set(ctx context.Context, name string, patch kapivara.PublisherPatch) (*kapivara.Publisher, error) {
	p, err := r.start().SetPublisher(ctx, name, client.PublisherPatch{Description: patch.Description, Streams: patch.Streams})
	return corePublisher(&p), err
}

func (r remotePublishers) Get(ctx context.Context, name string) (*kapivara.Publisher, error) {
	p, err := r.start().Publisher(ctx, name)
	return corePublisher(&p), err
}

func (r remotePublishers) Remove(ctx context.Context, name string) (int64, error) {
	return removed(r.start().RemovePublisher(ctx, name))
}

func (r remotePublishers) List(ctx context.Context, after string, limit int) ([]*kapivara.Publisher, bool, error) {
	page, more, err := list(ctx, r.start(), wire.KindPublisher, after, limit, func(p client.Publisher) string { return p.Name })
	return each(page, corePublisher), more, err
}

func removed(r client.Removed, err error) (int64, error) {
	if err == nil && !r.Removed {
		err = errors.New("removed is false")
	}
	return r.LogPosition, err
}

func each[A, B any](list []A, change func(*A) B) []B {
	changed := make([]B, len(list))
	for i := range list {
		changed[i] = change(&list[i])
	}
	return changed
}

type remoteTypes struct{ remoteRegistry }

func (r remoteTypes) core(ctx context.Context, t client.EventType, err error) (*kapivara.EventType, error) {
	if err != nil {
		return nil, err
	}
	e := coreType(&t)
	registry, err := r.store.Registry(ctx)
	if err == nil && registry.Types[t.Type] != nil {
		e.Kind = registry.Types[t.Type].Kind
	}
	return e, err
}

func coreType(t *client.EventType) *kapivara.EventType {
	return &kapivara.EventType{
		Type: t.Type, Publisher: t.Publisher, Schema: unless("null", t.Schema), Metadata: unless("{}", t.Metadata),
		Created: t.Created, LogPosition: t.LogPosition,
	}
}

// unless takes back what is shown where nothing was set.
func unless(nothing string, raw json.RawMessage) []byte {
	if string(raw) == nothing || len(raw) == 0 {
		return nil
	}
	return raw
}

func (r remoteTypes) Set(ctx context.Context, key kapivara.TypeKey, patch kapivara.EventTypePatch) (*kapivara.EventType, error) {
	var p client.EventTypePatch
	for _, field := range []struct {
		to   *client.RawJSON
		from *[]byte
	}{{&p.Schema, patch.Schema}, {&p.Metadata, patch.Metadata}} {
		switch {
		case field.from == nil:
		case len(*field.from) == 0:
			*field.to = client.RawJSON("null")
		default:
			*field.to = *field.from
		}
	}
	t, err := r.start().SetEventType(ctx, key.Publisher, key.Type, p)
	return r.core(ctx, t, err)
}

func (r remoteTypes) Get(ctx context.Context, key kapivara.TypeKey) (*kapivara.EventType, error) {
	t, err := r.start().EventType(ctx, key.Publisher, key.Type)
	return r.core(ctx, t, err)
}

func (r remoteTypes) Remove(ctx context.Context, key kapivara.TypeKey) (int64, error) {
	return removed(r.start().RemoveEventType(ctx, key.Publisher, key.Type))
}

func (r remoteTypes) List(ctx context.Context, after string, limit int) ([]*kapivara.EventType, bool, error) {
	page, more, err := list(ctx, r.start(), wire.KindEventType, after, limit, func(t client.EventType) string { return t.Type })
	return each(page, coreType), more, err
}
