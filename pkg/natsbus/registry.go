package natsbus

import (
	"context"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Records are the records of one kind of the registry, by key; P changes some of a record's fields.
type Records[K, P, R any] interface {
	Set(ctx context.Context, key K, patch P) (*R, error)
	Get(ctx context.Context, key K) (*R, error)
	Remove(ctx context.Context, key K) (logPosition int64, err error)
	List(ctx context.Context, after string, limit int) (records []*R, more bool, err error)
}

// RegistryEndpoints are the endpoints of protocol section 6.
func RegistryEndpoints(
	publishers Records[string, kapivara.PublisherPatch, kapivara.Publisher],
	eventTypes Records[kapivara.TypeKey, kapivara.EventTypePatch, kapivara.EventType],
	subscribers Records[string, kapivara.SubscriberPatch, kapivara.Subscriber],
) []Endpoint {
	var all []Endpoint
	all = append(all, registryKind[string, kapivara.PublisherPatch, kapivara.Publisher]{
		kind: wire.KindPublisher, records: publishers, set: named(wire.DecodePublisherSet), key: registryName,
		write: wire.AppendPublisher, name: func(p *kapivara.Publisher) string { return p.Name },
	}.endpoints()...)
	all = append(all, registryKind[kapivara.TypeKey, kapivara.EventTypePatch, kapivara.EventType]{
		kind: wire.KindEventType, records: eventTypes, set: wire.DecodeEventTypeSet, key: wire.DecodeEventTypeKey,
		write: wire.AppendEventType, name: func(t *kapivara.EventType) string { return t.Type },
	}.endpoints()...)
	return append(all, registryKind[string, kapivara.SubscriberPatch, kapivara.Subscriber]{
		kind: wire.KindSubscriber, records: subscribers, set: named(wire.DecodeSubscriberSet), key: registryName,
		write: wire.AppendSubscriber, name: func(s *kapivara.Subscriber) string { return s.Name },
	}.endpoints()...)
}

// named turns a decoder of a record that its subject names into one that gives the key as well.
func named[P any](decode func(string, []byte) (P, error)) func(string, []byte) (string, P, error) {
	return func(name string, body []byte) (string, P, error) {
		patch, err := decode(name, body)
		return name, patch, err
	}
}

func registryName(name string, body []byte) (string, error) {
	return name, wire.DecodeRegistryName(name, body)
}

// registryKind is how one kind of record travels.
type registryKind[K, P, R any] struct {
	kind    string
	records Records[K, P, R]
	set     func(subject string, body []byte) (K, P, error)
	key     func(subject string, body []byte) (K, error)
	write   func(dst []byte, r *R) []byte
	name    func(r *R) string
}

func (k registryKind[K, P, R]) endpoints() []Endpoint {
	on := func(verb string, handle func(context.Context, *Request) ([]byte, error), name ...string) Endpoint {
		schema := "registry-" + k.kind
		return Endpoint{
			Name: "registry-" + k.kind + "-" + verb, Subject: wire.Registry(k.kind, verb, name...), Handle: Sync(handle),
			Metadata: map[string]string{"request": schema + "-" + verb + ".request.json", "reply": schema + "-" + verb + ".reply.json"},
		}
	}
	return []Endpoint{
		on("set", k.handleSet, "*"), on("get", k.handleGet, "*"), on("remove", k.handleRemove, "*"), on("list", k.handleList),
	}
}

// last is the name in the subject: its last token.
func last(r *Request) string { return r.Tokens[len(r.Tokens)-1] }

func (k registryKind[K, P, R]) handleSet(ctx context.Context, r *Request) ([]byte, error) {
	key, patch, err := k.set(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	record, err := k.records.Set(ctx, key, patch)
	if err != nil {
		return nil, err
	}
	return k.write(nil, record), nil
}

func (k registryKind[K, P, R]) handleGet(ctx context.Context, r *Request) ([]byte, error) {
	key, err := k.key(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	record, err := k.records.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return k.write(nil, record), nil
}

func (k registryKind[K, P, R]) handleRemove(ctx context.Context, r *Request) ([]byte, error) {
	key, err := k.key(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	at, err := k.records.Remove(ctx, key)
	if err != nil {
		return nil, err
	}
	return wire.AppendRemoved(nil, at), nil
}

func (k registryKind[K, P, R]) handleList(ctx context.Context, r *Request) ([]byte, error) {
	after, limit, err := wire.DecodeRegistryList(r.Body)
	if err != nil {
		return nil, err
	}
	records, more, err := k.records.List(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	return wire.AppendRegistryList(nil, records, more, k.write, k.name), nil
}
