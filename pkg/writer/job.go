package writer

import (
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
)

// job is a request on its way: an append, or several and conditions that are judged together.
type job struct {
	publisher string
	appends   []*kapivara.Append
	many      *kapivara.AppendMany // nil where it is one append by itself
	done      func([]*kapivara.AppendResult, error)
	since     time.Time
	tries     int // how often it went the fast road in vain
	// Judged by the schemas of this version of the registry, for each append: nil where nothing is violated.
	judged     int64
	violations [][]error
}

// judge holds the data against the schemas of the registry.
func (j *job) judge(r *kapivara.Registry, schemas Schemas) {
	if j.judged == r.Version {
		return
	}
	j.judged, j.violations = r.Version, nil
	for n, a := range j.appends {
		for i := range a.Events {
			e := &a.Events[i]
			t := r.Types[e.Type]
			if t == nil || t.Schema == nil {
				continue
			}
			if err := schemas(t, e.Kind, e.Data); err != nil {
				j.violate(n, i, within(i, err))
			}
		}
	}
}

func (j *job) violate(n, i int, err error) {
	if j.violations == nil {
		j.violations = make([][]error, len(j.appends))
	}
	if j.violations[n] == nil {
		j.violations[n] = make([]error, len(j.appends[n].Events))
	}
	j.violations[n][i] = err
}

// within puts the event before the path of a refusal.
func within(i int, err error) error {
	refusal, ok := err.(*kapivara.Error) //nolint:errorlint // Schemas gives the refusal itself
	if !ok {
		return err
	}
	e := *refusal
	e.Facts.Path = "events[" + strconv.Itoa(i) + "]." + e.Facts.Path
	return &e
}

// rules are the part of the rules of a decision that is the n-th append's.
func (j *job) rules(r *kapivara.Registry, n int) kapivara.Rules {
	return kapivara.Rules{
		Visible: func(s kapivara.Stream) bool { return r.MayAppendTo(j.publisher, s) },
		Schema: func(i int) error {
			if j.violations == nil || j.violations[n] == nil {
				return nil
			}
			return j.violations[n][i]
		},
	}
}

// away tells that the store could not be asked, or was lost on the way.
func away(err error) bool {
	code := kapivara.CodeOf(err)
	return code == kapivara.Unavailable || code == kapivara.OutcomeUnknown
}

func storeAway() error {
	return kapivara.Refuse(kapivara.Unavailable, "the store is out of reach and nothing was stored; send the same request again")
}

func answerAll(jobs []*job, err error) {
	for _, j := range jobs {
		j.done(nil, err)
	}
}

// appendsOf are the appends of all jobs, in their order.
func appendsOf(jobs []*job) []*kapivara.Append {
	appends := make([]*kapivara.Append, 0, len(jobs))
	for _, j := range jobs {
		appends = append(appends, j.appends...)
	}
	return appends
}
