package kapivara

import "fmt"

// DecideMany judges a request that passed Check against all its streams as they are now, by the order of protocol
// section 3: code by code, and for each the first append in request order to which it applies. known and rules have an
// entry for each append; head gives the head of any stream that the request names. It changes nothing.
//
// Expectations and conditions concern what is new, as they do in an append by itself: a request of repeats alone is ok
// whatever its conditions say now, since they were judged when it was stored, and an append of repeats alone expects
// nothing. A request without appends asks for nothing but its conditions.
func DecideMany(m *AppendMany, head func(Stream) *Head, known []Known, rules []Rules) ([]Decision, error) {
	decisions := make([]Decision, len(m.Appends))
	judged := len(m.Appends) == 0
	for i := range m.Appends {
		a := &m.Appends[i]
		decisions[i] = place(a, head(a.Stream), known[i])
		judged = judged || decisions[i].New > 0
	}
	if !judged {
		return decisions, nil
	}
	if err := m.judgeVersions(head, decisions); err != nil {
		return nil, err
	}
	for _, judge := range [...]judge{judgeCanary, judgeID, judgePosition, judgeFinished, judgeFinish, judgeSchema} {
		for i := range m.Appends {
			if decisions[i].New == 0 {
				continue
			}
			a := &m.Appends[i]
			if err := judge(a, head(a.Stream), known[i], rules[i], &decisions[i]); err != nil {
				return nil, InAppend(i, err)
			}
		}
	}
	return decisions, nil
}

// judgeVersions refuses by every expectation that fails, those of the appends first. The refusal names the first append
// whose own expectation fails; where only conditions do, it names none.
func (m *AppendMany) judgeVersions(head func(Stream) *Head, decisions []Decision) error {
	var violations []Violation
	var first *int
	for i := range m.Appends {
		a := &m.Appends[i]
		if version := head(a.Stream).Version; decisions[i].New > 0 && !a.Expect.Holds(version) {
			violations = append(violations, Violation{Stream: string(a.Stream), Expected: a.Expect, Actual: version})
			if first == nil {
				first = &i
			}
		}
	}
	for _, c := range m.Conditions {
		if version := head(c.Stream).Version; !c.Expect.Holds(version) {
			violations = append(violations, Violation{Stream: string(c.Stream), Expected: c.Expect, Actual: version})
		}
	}
	if len(violations) == 0 {
		return nil
	}
	v := violations[0]
	return &Error{
		Code: WrongVersion,
		Message: fmt.Sprintf("%d of the request's expectations do not hold, the first is %s where the version is %d; read these streams and decide again",
			len(violations), v.Expected, v.Actual),
		Facts: Facts{Stream: v.Stream, Expected: &v.Expected, Actual: &v.Actual, Append: first, Violations: violations},
	}
}

// AdmitMany judges whether the publisher may append all this, and may append to the streams of the conditions: who may
// not must not learn their versions. It answers forbidden or nil.
func (r *Registry) AdmitMany(publisher string, m *AppendMany) error {
	for i := range m.Appends {
		if err := r.Admit(publisher, &m.Appends[i]); err != nil {
			return InAppend(i, err)
		}
	}
	for _, c := range m.Conditions {
		if !r.MayAppendTo(publisher, c.Stream) {
			return &Error{
				Code: Forbidden, Message: "the publisher may not append to the stream of a condition",
				Facts: Facts{Publisher: publisher, Stream: string(c.Stream)},
			}
		}
	}
	return nil
}
