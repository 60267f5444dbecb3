package plan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// world is what the steps of these tests change: a set of things that exist.
type world struct {
	exists map[string]bool
	broken string // the thing whose creation fails
	log    []string
}

var errDenied = errors.New("AccessDenied")

func (w *world) step(thing string, after ...string) Step {
	return Step{
		ID: thing, Title: "create " + thing, After: after,
		Look: func(context.Context) (State, string, error) {
			if w.exists[thing] {
				return Done, "exists", nil
			}
			return Needed, "", nil
		},
		Apply: func(context.Context) error {
			w.log = append(w.log, thing)
			if w.broken == thing {
				return errDenied
			}
			w.exists[thing] = true
			return nil
		},
	}
}

func (w *world) steps() []Step {
	return []Step{w.step("bucket"), w.step("policy", "bucket"), w.step("keys", "bucket")}
}

func states(outlook []Outlook) []State {
	var s []State
	for _, o := range outlook {
		s = append(s, o.State)
	}
	return s
}

func fixed(id string, state State, detail string, err error) Step {
	return Step{
		ID: id, Title: "change " + id,
		Look:  func(context.Context) (State, string, error) { return state, detail, err },
		Apply: func(context.Context) error { panic("applied " + id) },
	}
}

func TestRun(t *testing.T) {
	tests := map[string]struct {
		exists  []string
		broken  string
		options Options
		states  []State
		applied []string
		err     string
	}{
		"everything is made in order":              {states: []State{Applied, Applied, Applied}, applied: []string{"bucket", "policy", "keys"}},
		"what exists is left alone":                {exists: []string{"bucket"}, states: []State{Done, Applied, Applied}, applied: []string{"policy", "keys"}},
		"nothing is done where nothing is needed":  {exists: []string{"bucket", "policy", "keys"}, states: []State{Done, Done, Done}},
		"a client dry run halts after the looks":   {options: Options{DryRun: Client}, states: []State{Needed, Needed, Needed}},
		"a server dry run changes nothing":         {options: Options{DryRun: Server}, states: []State{Needed, Needed, Needed}},
		"a failure stops the run where it happens": {broken: "policy", states: []State{Applied, Failed, Needed}, applied: []string{"bucket", "policy"}, err: "create policy: AccessDenied"},
		"a refusal changes nothing": {
			options: Options{Confirm: func(context.Context, []Outlook) (bool, error) { return false, nil }},
			states:  []State{Needed, Needed, Needed}, err: ErrDeclined.Error(),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := &world{exists: map[string]bool{}, broken: tc.broken}
			for _, thing := range tc.exists {
				w.exists[thing] = true
			}
			outlook, err := Run(t.Context(), w.steps(), tc.options)
			if got := text(err); got != tc.err {
				t.Errorf("error %q, want %q", got, tc.err)
			}
			if diff := cmp.Diff(tc.states, states(outlook)); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.applied, w.log); diff != "" {
				t.Errorf("applied (-want +got):\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAnInterruptedRunGoesOnWhereItStopped(t *testing.T) {
	for stop := range 3 {
		w := &world{exists: map[string]bool{}}
		ctx, cancel := context.WithCancelCause(t.Context())
		applied := 0
		_, err := Run(ctx, w.steps(), Options{Progress: func(_ Step, state State, _ string) {
			if state == Applied {
				if applied == stop {
					cancel(errors.New("interrupted"))
				}
				applied++
			}
		}})
		if stop < 2 && text(err) != "create "+w.steps()[stop+1].ID+": interrupted" {
			t.Fatalf("after step %d: %v", stop, err)
		}
		if _, err := Run(t.Context(), w.steps(), Options{}); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(w.log)
		if diff := cmp.Diff([]string{"bucket", "policy", "keys"}, before); diff != "" {
			t.Errorf("each is made once (-want +got):\n%s", diff)
		}
		outlook, err := Run(t.Context(), w.steps(), Options{})
		if err != nil || Any(outlook, Needed, Applied) || len(w.log) != len(before) {
			t.Errorf("a further run changed something: %v, %v", states(outlook), err)
		}
	}
}

func TestAConflictAnywhereChangesNothing(t *testing.T) {
	w := &world{exists: map[string]bool{}}
	steps := append(w.steps(), fixed("role", Conflict, "is trusted by\nsomebody else", nil), fixed("provider", Conflict, "has another owner", nil))
	_, err := Run(t.Context(), steps, Options{Confirm: func(context.Context, []Outlook) (bool, error) {
		t.Error("asked although there is a conflict")
		return true, nil
	}})
	conflict, ok := errors.AsType[*ConflictError](err)
	if !ok || len(conflict.Conflicts) != 2 || w.log != nil {
		t.Fatalf("got %v, applied %v", err, w.log)
	}
	want := "nothing was changed, since something is in the way\n  cannot change role: is trusted by\n    somebody else\n  cannot change provider: has another owner"
	if err.Error() != want {
		t.Errorf("got %q\nwant %q", err, want)
	}
}

func TestALookThatFailsChangesNothingAndKeepsItsCause(t *testing.T) {
	w := &world{exists: map[string]bool{}}
	_, err := Run(t.Context(), append(w.steps(), fixed("role", Unknown, "", errDenied), fixed("tag", Conflict, "taken", nil)), Options{})
	_, both := errors.AsType[*ConflictError](err)
	if !errors.Is(err, errDenied) || !both || w.log != nil {
		t.Fatalf("got %v, applied %v", err, w.log)
	}
}

func TestAnApplyErrorSaysWhatWasDoneAndWhatWasNot(t *testing.T) {
	w := &world{exists: map[string]bool{}, broken: "policy"}
	_, err := Run(t.Context(), w.steps(), Options{})
	failed, ok := errors.AsType[*ApplyError](err)
	if !ok || !errors.Is(err, errDenied) {
		t.Fatalf("got %v", err)
	}
	want := []string{"done: create bucket", "not done: create policy; create keys"}
	if diff := cmp.Diff(want, failed.Progress()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w = &world{exists: map[string]bool{}, broken: "bucket"}
	_, err = Run(t.Context(), w.steps(), Options{})
	failed, _ = errors.AsType[*ApplyError](err)
	if failed.Progress()[0] != "done: nothing" {
		t.Errorf("got %q", failed.Progress())
	}
}

func TestAChangeThatWasUnderWayWhenTheRunEndedMayHaveBeenMade(t *testing.T) {
	steps := func(apply func(context.Context) error) []Step {
		look := func(context.Context) (State, string, error) { return Needed, "", nil }
		return []Step{{ID: "bucket", Title: "create bucket", Look: look, Apply: apply},
			{ID: "policy", Title: "create policy", Look: look, Apply: func(context.Context) error { return nil }}}
	}
	for name, tc := range map[string]struct {
		answer error // of the change under way when the run ends
		want   []string
	}{
		"its answer was not waited for": {context.Canceled, []string{"under way, so it may have been done: create bucket", "not done: create policy"}},
		"its answer had come":           {nil, []string{"done: create bucket", "not done: create policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			_, err := Run(ctx, steps(func(context.Context) error { end(); return tc.answer }), Options{})
			failed, ok := errors.AsType[*ApplyError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tc.want, failed.Progress()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIndependentLooksRunSideBySideAndDependentOnesWait(t *testing.T) {
	var running, most atomic.Int32
	release := make(chan struct{})
	full := sync.OnceFunc(func() { close(release) })
	var steps []Step
	var ids []string
	for range atOnce + 3 {
		id := strings.Repeat("x", len(steps)+1)
		ids = append(ids, id)
		steps = append(steps, Step{ID: id, Look: func(context.Context) (State, string, error) {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				continue
			}
			if n == atOnce {
				full()
			}
			<-release
			running.Add(-1)
			return Done, "", nil
		}})
	}
	steps = append(steps, Step{ID: "last", After: ids, Look: func(context.Context) (State, string, error) {
		if n := running.Load(); n != 0 {
			t.Errorf("%d earlier looks were still running", n)
		}
		return Done, "", nil
	}})
	if _, err := Look(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if most.Load() != atOnce {
		t.Errorf("%d looks at once, want %d", most.Load(), atOnce)
	}
}

func TestAPlanThatCannotBeOrderedIsRefused(t *testing.T) {
	done := fixed("a", Done, "", nil)
	for name, steps := range map[string][]Step{
		"one ID twice":             {done, done},
		"a step after a later one": {{ID: "b", After: []string{"a"}}, done},
	} {
		if _, err := Look(t.Context(), steps); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestNotesReachTheProgressOfTheirStep(t *testing.T) {
	var got []string
	step := fixed("policy", Needed, "", nil)
	step.Apply = func(ctx context.Context) error { Note(ctx, "waiting for %s", "S3"); return nil }
	_, err := Run(t.Context(), []Step{step}, Options{Progress: func(s Step, state State, note string) {
		got = append(got, s.ID+" "+string(state)+" "+note)
	}})
	if diff := cmp.Diff([]string{"policy needed ", "policy needed waiting for S3", "policy applied "}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	Note(t.Context(), "nobody listens")
}

func TestWhatAStepMendsIsToldUntilItIsMended(t *testing.T) {
	details := func(mends bool, o Options) string {
		step := fixed("reach", Needed, "status 403", nil)
		step.Mends, step.Apply = mends, func(context.Context) error { return nil }
		outlook, err := Run(t.Context(), []Step{step}, o)
		if err != nil {
			t.Fatal(err)
		}
		return outlook[0].Detail
	}
	for name, tc := range map[string]struct {
		mends bool
		o     Options
		want  string
	}{
		"it is to be mended":       {true, Options{DryRun: Client}, "status 403"},
		"it is mended":             {true, Options{}, ""},
		"a detail of another kind": {false, Options{}, "status 403"},
	} {
		if got := details(tc.mends, tc.o); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAServerDryRunReportsTheServersRefusal(t *testing.T) {
	step := fixed("sa", Needed, "", nil)
	step.Try = func(context.Context) error { return errDenied }
	outlook, err := Run(t.Context(), []Step{step}, Options{DryRun: Server})
	if !errors.Is(err, errDenied) || outlook[0].State != Failed {
		t.Errorf("got %v, %v", states(outlook), err)
	}
}

func TestThePlanAsAReport(t *testing.T) {
	outlook := []Outlook{
		{Step: Step{ID: "bucket", Title: "create the bucket b"}, State: Done, Detail: "exists"},
		{Step: Step{ID: "policy", Title: "open two objects"}, State: Needed, Detail: "adds\none\ntwo"},
		{Step: Step{ID: "keys", Title: "publish keys"}, State: Unknown, Detail: "AccessDenied", Err: errDenied},
	}
	report := Report{Steps: []StepReport{
		{ID: "bucket", Title: "create the bucket b", State: Done, Detail: "exists"},
		{ID: "policy", Title: "open two objects", State: Needed, Detail: "adds\none\ntwo"},
		{ID: "keys", Title: "publish keys", State: Unknown, Error: "AccessDenied"},
	}}
	if diff := cmp.Diff(report, NewReport(outlook)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestThePlanAsText(t *testing.T) {
	bucket := Outlook{Step: Step{Title: "create the bucket b"}, State: Done, Detail: "exists"}
	policy := Outlook{Step: Step{Title: "open two objects"}, State: Needed, Detail: "adds\n  one  two, which is longer than this screen is wide"}
	role := Outlook{Step: Step{Title: "let the role cart trust system:serviceaccount:shop:cart"}, State: Applied}
	tests := map[string]struct {
		outlook []Outlook
		style   check.Style
		want    string
	}{
		"details stand in a column": {
			outlook: []Outlook{bucket, policy, {Step: Step{Title: "publish keys"}, State: Unknown, Detail: "AccessDenied", Err: errDenied}},
			style:   check.Style{Width: 40},
			want: "  = create the bucket b  exists\n" +
				"  + open two objects     adds\n" +
				"        one  two, which is longer than this screen is wide\n" +
				"  ? publish keys         AccessDenied\n" +
				"1 to do, 1 there already, 1 could not be looked at\n",
		},
		"a detail that does not fit stands below, and what is too long is broken": {
			outlook: []Outlook{bucket, role, {Step: Step{Title: "publish keys"}, State: Failed, Detail: "https://issuer.example.com and one more word"}},
			style:   check.Style{Width: 40},
			want: "  = create the bucket b  exists\n" +
				"  + let the role cart trust\n" +
				"    system:serviceaccount:shop:cart\n" +
				"  x publish keys\n" +
				"      https://issuer.example.com and one\n" +
				"      more word\n" +
				"1 done, 1 failed, 1 there already\n",
		},
		"a title without a detail may be wider than the others": {
			outlook: []Outlook{bucket, role}, style: check.Style{Width: 62},
			want: "  = create the bucket b  exists\n" +
				"  + let the role cart trust system:serviceaccount:shop:cart\n" +
				"1 done, 1 there already\n",
		},
		"the column is where most details fit": {
			outlook: []Outlook{bucket, {Step: Step{Title: "let a policy open the bucket b"}, State: Needed, Detail: "soon"}, {Step: Step{Title: "publish keys"}, State: Needed, Detail: "as many as there are"}},
			style:   check.Style{Width: 45},
			want: "  = create the bucket b  exists\n" +
				"  + let a policy open the bucket b\n" +
				"      soon\n" +
				"  + publish keys         as many as there are\n" +
				"2 to do, 1 there already\n",
		},
		"what takes something away has another sign": {
			outlook: []Outlook{{Step: Step{Title: "delete the role cart", Removes: true}, State: Needed}, {Step: Step{Title: "delete the bucket b", Removes: true}, State: Done}},
			want:    "  - delete the role cart\n  = delete the bucket b\n1 to do, 1 there already\n",
		},
		"signs have colours on a terminal": {
			outlook: []Outlook{role}, style: check.Style{Width: 80, Color: true},
			want: "  \x1b[32m+\x1b[0m let the role cart trust system:serviceaccount:shop:cart\n1 done\n",
		},
		"nothing to do": {outlook: []Outlook{bucket}, want: "  = create the bucket b  exists\nnothing to do\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := WriteText(&b, tc.outlook, tc.style); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPlanIsShownWhereNothingIsInTheWay(t *testing.T) {
	for name, tc := range map[string]struct {
		steps []Step
		shown int
	}{
		"something is to be done": {[]Step{fixed("a", Done, "", nil), {ID: "b", Look: fixed("b", Needed, "", nil).Look, Apply: func(context.Context) error { return nil }}}, 1},
		"nothing is to be done":   {[]Step{fixed("a", Done, "", nil)}, 1},
		"something is in the way": {[]Step{fixed("a", Conflict, "taken", nil)}, 0},
		"a look failed":           {[]Step{fixed("a", Unknown, "", errDenied)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			shown := 0
			_, _ = Run(t.Context(), tc.steps, Options{Show: func([]Outlook) error { shown++; return nil }})
			if shown != tc.shown {
				t.Errorf("shown %d times, want %d", shown, tc.shown)
			}
		})
	}
}

// An outlook that was applied is over: applying it once more makes nothing twice,
// and nothing that was in the way or not seen.
func TestOnlyWhatIsNeededIsApplied(t *testing.T) {
	for state, want := range map[State]int{Needed: 1, Done: 0, Conflict: 0, Unknown: 0, Applied: 0, Failed: 0} {
		made := 0
		outlook := []Outlook{{Step: Step{ID: "a", Apply: func(context.Context) error { made++; return nil }}, State: state}}
		for range 2 {
			if err := Apply(t.Context(), outlook, nil); err != nil {
				t.Fatal(err)
			}
		}
		if made != want {
			t.Errorf("%s is applied %d times", state, made)
		}
	}
}

// Who was interrupted while looking has seen nothing that could be acted upon.
func TestAnInterruptedLookIsNoLook(t *testing.T) {
	why := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := Look(ctx, []Step{{ID: "a", Look: func(context.Context) (State, string, error) {
		cancel(why)
		return Needed, "", nil
	}}})
	if !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}
