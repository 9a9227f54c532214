package porttest

import (
	"context"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// RecordsOf are the records of one kind, by key; P changes some of a record's fields.
type RecordsOf[K, P, R any] interface {
	Set(ctx context.Context, key K, patch P) (*R, error)
	Get(ctx context.Context, key K) (*R, error)
	Remove(ctx context.Context, key K) (logPosition int64, err error)
	List(ctx context.Context, after string, limit int) (records []*R, more bool, err error)
}

// Records are a registry as it is read and changed: the use case in this process, or the service that is asked from afar.
type Records struct {
	Publishers  RecordsOf[string, kapivara.PublisherPatch, kapivara.Publisher]
	EventTypes  RecordsOf[kapivara.TypeKey, kapivara.EventTypePatch, kapivara.EventType]
	Subscribers RecordsOf[string, kapivara.SubscriberPatch, kapivara.Subscriber]
}

func recordsOf(r *writer.Registry) *Records {
	return &Records{r.Publishers, r.EventTypes, r.Subscribers}
}

// registryTest is a registry under test.
type registryTest struct {
	*Records
	store writer.RegistryStore
	ctx   context.Context
	told  func() int
}

// wantTold compares how many changes were told, where that is counted.
func (r registryTest) wantTold(t *testing.T, want int) {
	t.Helper()
	if r.told == nil {
		return
	}
	if got := r.told(); got != want {
		t.Errorf("%d changes were told, want %d", got, want)
	}
}
