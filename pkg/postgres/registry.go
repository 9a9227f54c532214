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

// registryTimeout ends a change that waits for the log's lock or the server, before its commit.
const registryTimeout = 3500 * time.Millisecond

// RegistryStore keeps the registry and the backlogs of new subscribers. It needs the role of the writer.
type RegistryStore struct {
	pool *Pool
	open bool
	last atomic.Pointer[kapivara.Registry] // any version; whoever uses it compares its version first
}

// NewRegistryStore makes one. open tells whether the registry takes unknown publishers and event types in at first use.
func NewRegistryStore(pool *Pool, open bool) *RegistryStore {
	return &RegistryStore{pool: pool, open: open}
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
	err := registryTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) (commit bool, err error) {
		var version int64
		if err := tx.QueryRow(ctx, registryLockSQL).Scan(&head, &version); err != nil {
			return false, fmt.Errorf("lock the log: %w", err)
		}
		r := s.last.Load()
		if r == nil || r.Version != version {
			if r, err = s.load(ctx, tx); err != nil {
				return false, err
			}
		}
		change, err := decide(r, head)
		if err != nil || change.None() {
			return false, err
		}
		if err := registryApply(ctx, tx, change, head); err != nil {
			return false, err
		}
		_, err = tx.Exec(ctx, registryBumpSQL)
		return true, err
	})
	if err != nil {
		return 0, fmt.Errorf("change the registry: %w", err)
	}
	return head, nil
}

// registryTx runs do in a transaction, within registryTimeout, and commits when it says so. The commit itself is not
// cancelled by ctx: when the connection is lost during it the outcome is unknown.
func registryTx(ctx context.Context, pool *Pool, do func(ctx context.Context, tx pgx.Tx) (commit bool, err error)) error {
	before, cancel := context.WithTimeout(ctx, registryTimeout)
	defer cancel()
	tx, err := pool.Begin(before)
	if err != nil {
		return translate(err, false)
	}
	after, cancelAfter := context.WithTimeout(context.WithoutCancel(ctx), 2*registryTimeout)
	defer cancelAfter()
	commit, err := do(before, tx)
	if err != nil || !commit {
		_ = tx.Rollback(after) // where that fails the connection is closed, which rolls back as well
		return translate(err, false)
	}
	return translate(tx.Commit(after), true)
}
