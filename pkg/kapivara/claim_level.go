package kapivara

// place gives a bucket that has no owner to the least loaded of the nodes that want it; where all of those have as many as
// they want, one of them passes another bucket on.
func (s *sharing) place(b int) {
	var starts []int
	best := -1
	for n := range s.nodes {
		if s.wants[n][b] {
			starts = append(starts, n)
			if s.room(n) && (best < 0 || s.load[n] < s.load[best]) {
				best = n
			}
		}
	}
	if best < 0 {
		path := s.path(starts, func(n int) bool { return s.room(n) })
		if path == nil {
			return
		}
		s.pass(path)
		best = path[0]
	}
	s.give(b, best)
}

// level moves one bucket's worth of load from a node to one that has at least two less, over others where it must. It
// tells whether there was such a pair; when there is none the loads are as even as can be.
func (s *sharing) level() bool {
	tried := make([]bool, len(s.nodes))
	for range s.nodes {
		from := -1
		for n := range s.nodes {
			if !tried[n] && (from < 0 || s.load[n] > s.load[from]) {
				from = n
			}
		}
		tried[from] = true
		if path := s.path([]int{from}, func(n int) bool { return s.room(n) && s.load[n]+2 <= s.load[from] }); path != nil {
			s.pass(path)
			return true
		}
	}
	return false
}

// path is a shortest way from one of the starts to the least loaded node that fits, each of which has a bucket that the next one
// wants; nil where there is none.
func (s *sharing) path(starts []int, fits func(n int) bool) []int {
	const unseen = -2
	before := make([]int, len(s.nodes))
	for n := range before {
		before[n] = unseen
	}
	queue := append([]int(nil), starts...)
	for _, n := range starts {
		before[n] = -1
	}
	best := -1
	for unmet := len(s.nodes) - len(starts); len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		if before[n] >= 0 && fits(n) && (best < 0 || s.load[n] < s.load[best]) {
			best = n
		}
		for b := 0; b < len(s.owner) && unmet > 0; b++ {
			for m := 0; s.owner[b] == n && m < len(s.nodes); m++ {
				if before[m] == unseen && s.wants[m][b] {
					before[m], unmet = n, unmet-1
					queue = append(queue, m)
				}
			}
		}
	}
	if best < 0 {
		return nil
	}
	var path []int
	for n := best; n >= 0; n = before[n] {
		path = append([]int{n}, path...)
	}
	return path
}

// pass hands a bucket from each node of the path to the next, the last first. One that comes back to its present owner
// goes first, then one that has moved anyhow, then the highest.
func (s *sharing) pass(path []int) {
	for i := len(path) - 1; i > 0; i-- {
		from, to := path[i-1], path[i]
		best, rank := -1, 0
		for b, n := range s.owner {
			if n != from || !s.wants[to][b] {
				continue
			}
			r := 1
			switch s.present[b] {
			case to:
				r = 3
			case from:
			default:
				r = 2
			}
			if r >= rank {
				best, rank = b, r
			}
		}
		s.give(best, to)
	}
}
