package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/registry_lock.sql
	registryLockSQL string
	//go:embed sql/registry_bump.sql
	registryBumpSQL string
)

const (
	// registryTimeout ends a change that waits for the log's lock or the server, before it writes.
	registryTimeout = 3500 * time.Millisecond
	// registryWrite bounds what it writes before its commit: a subscriber may leave many parked deliveries.
	registryWrite = 20 * time.Second

	registryTries = 3
	registryPause = 50 * time.Millisecond
	stateDeadlock = "40P01"
)

// RegistryStore keeps the registry and the backlogs of new subscribers. It needs the role of the writer.
type RegistryStore struct {
	pool *Pool
	open bool
	last atomic.Pointer[kapivara.Registry] // any version; whoever uses it compares its version first

	page, events int // of a backlog or a move: streams a transaction, log positions of a backlog of growths
}

// NewRegistryStore makes one. open tells whether the registry takes unknown publishers and event types in at first use.
func NewRegistryStore(pool *Pool, open bool) *RegistryStore {
	return &RegistryStore{pool: pool, open: open, page: gatherPage, events: gatherEvents}
}

// Registry gives the registry as it is now. It is shared: nobody changes what it holds.
func (s *RegistryStore) Registry(ctx context.Context) (*kapivara.Registry, error) {
	ctx, cancel := context.WithTimeout(ctx, registryTimeout)
	defer cancel()
	if last := s.last.Load(); last != nil {
		var version int64
		if err := s.pool.QueryRow(ctx, "select registry from kapivara.log").Scan(&version); err != nil {
			return nil, fmt.Errorf("registry: version: %w", translate(err, false))
		}
		if version == last.Version {
			return last, nil
		}
	}
	return s.load(ctx, s.pool)
}

func (s *RegistryStore) load(ctx context.Context, q Querier) (*kapivara.Registry, error) {
	r, err := LoadRegistry(ctx, q, s.open)
	if err != nil {
		return nil, err
	}
	s.last.Store(r)
	return r, nil
}

// Change runs decide under the log's lock and makes its change durable: see the port in the writer.
func (s *RegistryStore) Change(
	ctx context.Context, decide func(r *kapivara.Registry, head int64) (kapivara.Change, error),
) (int64, error) {
	var head int64
	attempt := func() error {
		bounded, cancel := context.WithTimeout(ctx, registryTimeout)
		defer cancel()
		return s.pool.inTx(bounded, func(tx pgx.Tx) (err error) {
			head, err = s.changeIn(bounded, ctx, tx, decide)
			return err
		})
	}
	err := attempt()
	for tries := 1; sqlState(err) == stateDeadlock && tries < registryTries; tries++ {
		// Against a dispatcher's turn, which holds several buckets; nothing was done. At once it would have the rows again
		// before the turn, which was waiting for them, has woken up.
		select {
		case <-ctx.Done():
		case <-time.After(registryPause << tries):
		}
		err = attempt()
	}
	if err != nil {
		return 0, fmt.Errorf("change the registry: %w", err)
	}
	return head, nil
}

// changeIn is the transaction of a change: the lock first, since only later statements see what others have written.
// bounded ends the wait for it, ctx what follows.
func (s *RegistryStore) changeIn(
	bounded, ctx context.Context, tx pgx.Tx, decide func(r *kapivara.Registry, head int64) (kapivara.Change, error),
) (head int64, err error) {
	var version int64
	if err := tx.QueryRow(bounded, registryLockSQL).Scan(&head, &version); err != nil {
		return 0, fmt.Errorf("lock the log: %w", err)
	}
	r := s.last.Load()
	if r == nil || r.Version != version {
		if r, err = s.load(bounded, tx); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, registryWrite)
	defer cancel()
	change, err := decide(r, head)
	if err != nil || change.None() {
		return head, err
	}
	if err := registryApply(ctx, tx, change, head); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, registryBumpSQL)
	return head, err
}
