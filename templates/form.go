package templates

import (
	"github.com/your-org/keeper/fault"
)

// Form is what was typed into a form and what is wrong with it. Values never hold the value
// of an existing version; a new value that was refused may stand in the answer to its own
// request and nowhere else.
type Form struct {
	Values   map[string]string // by field name, as the API spells it
	Errors   []fault.Field     // at the fields, in their order
	Message  string            // what is wrong with the form as a whole, or ""
	Hint     string            // what to do about it
	Unproven bool              // a proof of who the person is, is all that is missing
	Kept     bool              // the failure is Keeper's, and not of what was typed
	Revision int64             // of what is edited, sent back as "revision"; 0: new
}

// NewForm is a form with its first values.
func NewForm(values map[string]string) Form { return Form{Values: values} }

// Fail keeps what was typed and takes over what is wrong from the error. An error that is
// not fit to be shown shows as a plain sentence.
func (f *Form) Fail(err error) {
	public := fault.Public(err)
	f.Message, f.Hint, f.Errors = public.Message, public.Hint, public.Fields
	f.Unproven = fault.Is(err, fault.Unproven)
	f.Kept = fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled) || fault.KindOf(err) == fault.Internal
	if len(public.Fields) > 0 {
		f.Message, f.Hint = "", ""
		if len(public.Fields) == 1 && public.Fields[0].Name == "confirm" { // of an act: there is nothing to be saved
			f.Message = "Nothing was done yet."
		}
	}
}

// Failed reports whether the form was refused.
func (f Form) Failed() bool { return f.Message != "" || len(f.Errors) > 0 }

// Value is what stands in a field.
func (f Form) Value(name string) string { return f.Values[name] }

// Error is what is wrong with a field, or "".
func (f Form) Error(name string) string {
	for _, e := range f.Errors {
		if e.Name == name {
			return e.Message
		}
	}
	return ""
}

// Confirmation is the question before a dangerous act: the name must be typed.
type Confirmation struct {
	Form Form // field "confirm"
	Name string
}

// Confirmed reports whether what was typed is the name, and puts the error at the field.
func (c *Confirmation) Confirmed(typed string) bool {
	if typed == c.Name {
		return true
	}
	c.Form.Values = map[string]string{"confirm": typed}
	c.Form.Fail(fault.InvalidField("confirm", "must be exactly %s", c.Name))
	c.Form.Message = "Nothing was deleted."
	return false
}
