package templates

import "github.com/your-org/keeper/fault"

// ProblemPage is any request that could not be answered: what happened, what was kept, what
// to do.
type ProblemPage struct {
	BasePage
	Status    int
	Message   string
	Hint      string
	RequestID string
	Back      string // where to go on; "": the dashboard
	kind      fault.Kind
}

// NewProblemPage tells of an error, as far as it is fit to be shown.
func NewProblemPage(base BasePage, err error, status int, requestID string) *ProblemPage {
	public := fault.Public(err)
	return &ProblemPage{
		BasePage: base, Status: status, Message: public.Message, Hint: public.Hint,
		RequestID: requestID, kind: public.Kind,
	}
}

func (*ProblemPage) template() string { return "problem/problem" }

var problemTitles = map[fault.Kind]string{
	fault.Internal:        "Something went wrong",
	fault.Invalid:         "That cannot be done",
	fault.NotFound:        "Not found",
	fault.Conflict:        "That clashes with what is there",
	fault.Stale:           "It has changed meanwhile",
	fault.Unauthenticated: "Sign in first",
	fault.Forbidden:       "Not allowed",
	fault.Unproven:        "Prove who you are",
	fault.Throttled:       "Too many requests",
	fault.Unavailable:     "Not available now",
}

// Frame stands around the page.
func (p *ProblemPage) Frame() Frame {
	return Frame{Title: problemTitles[p.kind], Plain: !p.SignedIn()}
}
