package templates

import "github.com/your-org/keeper/models"

// Setup is how far a first run has come: each step leads to the next.
type Setup struct {
	Environment *models.Environment // the first one; nil: none yet
	Destination *models.Destination
	Secret      *models.Secret
	Synced      bool
	MayManage   bool // may create environments
	MayConnect  bool // may make destinations in Environment
	MayWrite    bool // may write secrets in Environment
}

// Step is one of a first run.
type Step struct {
	Number int // from 1
	Title  string
	Text   string
	Done   bool
	Next   bool   // the first that is not done
	Act    string // what to do; "" where the actor may not
	URL    string // where
}

// Steps are all of them, in order.
func (s *Setup) Steps() []Step {
	steps := []Step{
		{Title: "Create an environment", Text: "The unit of isolation, with keys, access and destinations of its own.", Done: s.Environment != nil},
		{Title: "Connect a destination", Text: "AWS Secrets Manager or a Vault mount. What is there already is not touched.", Done: s.Destination != nil},
		{Title: "Write a secret", Text: "It is encrypted before it is stored, and every reveal is recorded.", Done: s.Secret != nil},
		{Title: "See it arrive", Text: "Within seconds it is at the destination, and is kept true there.", Done: s.Synced},
	}
	if s.MayManage {
		steps[0].Act, steps[0].URL = "New environment", "/environments/new?guide=true"
	}
	if s.Environment != nil && s.MayConnect {
		steps[1].Act, steps[1].URL = "Connect destination", GuideDestination(*s.Environment)
	}
	if s.Environment != nil && s.MayWrite {
		steps[2].Act, steps[2].URL = "New secret", GuideSecret(*s.Environment)
	}
	if s.Secret != nil {
		steps[3].Act, steps[3].URL = "Open "+s.Secret.Name, GuideArrival(s.Secret.ID)
	}
	next := true
	for i := range steps {
		steps[i].Number, steps[i].Next = i+1, next && !steps[i].Done
		next = next && steps[i].Done
	}
	return steps
}

// Next is the first step that is not done; nil: all are.
func (s *Setup) Next() *Step {
	for _, step := range s.Steps() {
		if step.Next {
			return &step
		}
	}
	return nil
}

// Done is how many steps are done.
func (s *Setup) Done() int {
	done := 0
	for _, step := range s.Steps() {
		if step.Done {
			done++
		}
	}
	return done
}

// GuideDestination is the step at which an environment's first destination is connected.
func GuideDestination(e models.Environment) string {
	return MustPath("/environments/{environment}/destinations/new", e.Name) + "?guide=true"
}

// GuideSecret is the step at which an environment's first secret is written.
func GuideSecret(e models.Environment) string {
	return "/secrets/new?environment=" + e.Name + "&guide=true"
}

// GuideArrival is the step at which a secret is seen to arrive.
func GuideArrival(id models.SecretID) string {
	return MustPath("/secrets/{secret}", id) + "?guide=true"
}
