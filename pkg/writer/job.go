package writer

import (
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
)

// job is an append on its way.
type job struct {
	publisher string
	append    *kapivara.Append
	done      func(*kapivara.AppendResult, error)
	since     time.Time
	tries     int // how often it went the fast road in vain
	// Judged by the schemas of this version of the registry: nil where nothing is violated.
	judged     int64
	violations []error
}

// judge holds the data against the schemas of the registry.
func (j *job) judge(r *kapivara.Registry, schemas Schemas) {
	if j.judged == r.Version {
		return
	}
	j.judged, j.violations = r.Version, nil
	for i := range j.append.Events {
		e := &j.append.Events[i]
		t := r.Types[e.Type]
		if t == nil || t.Schema == nil {
			continue
		}
		if err := schemas(t, e.Kind, e.Data); err != nil {
			if j.violations == nil {
				j.violations = make([]error, len(j.append.Events))
			}
			j.violations[i] = within(i, err)
		}
	}
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

// rules are the job's part of the rules of a decision.
func (j *job) rules(r *kapivara.Registry) kapivara.Rules {
	return kapivara.Rules{
		Visible: func(s kapivara.Stream) bool { return r.MayAppendTo(j.publisher, s) },
		Schema: func(i int) error {
			if j.violations == nil {
				return nil
			}
			return j.violations[i]
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

func appendsOf(jobs []*job) []*kapivara.Append {
	appends := make([]*kapivara.Append, len(jobs))
	for i, j := range jobs {
		appends[i] = j.append
	}
	return appends
}
