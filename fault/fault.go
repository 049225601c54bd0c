// Package fault is the one error type that crosses package borders: a kind that decides
// the HTTP status and the exit code, a message that is safe to show to the person who
// asked, and a cause that only the log sees.
package fault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Kind says what sort of failure it is. The zero kind is Internal, so that an error nobody
// classified tells the caller nothing.
type Kind uint8

// The kinds of failure.
const (
	Internal        Kind = iota // a defect or a broken dependency; says nothing to the caller
	Invalid                     // the input is wrong; the same call can never succeed
	NotFound                    // no such thing, or none that this actor may see
	Conflict                    // clashes with what is there (a name that is taken)
	Stale                       // the caller's If-Match is not the current state
	Unauthenticated             // nobody, or nobody any more
	Forbidden                   // known, may see the thing, may not do this
	Throttled                   // too many requests; later will do
	Unproven                    // may do this, and has to prove again who it is before
	Unavailable                 // something that is needed does not answer now; unknown, never absent
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", NotFound: "not_found", Conflict: "conflict", Stale: "stale",
	Unauthenticated: "unauthenticated", Forbidden: "forbidden", Throttled: "throttled", Unproven: "proof_required", Unavailable: "unavailable",
}

// String is the kind's name as it stands in problem documents and logs, in snake case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// Field is one thing that is wrong with one input field.
type Field struct {
	Name    string // as the API spells it: "secret_type"
	Message string // a sentence fragment: "must be one of PASSWORD, API_KEY"
}

// Error is a failure with a kind. Message and Hint may be shown to anyone who may make the
// call; neither may ever hold a secret value. The cause is for the log alone.
type Error struct {
	Kind    Kind
	Message string  // what happened and what was kept, a sentence
	Hint    string  // what to do next, a sentence; may be empty
	Fields  []Field // for Invalid: each field that is wrong

	cause error
}

// New makes an error of a kind. The message is shown to the caller.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind around a cause that stays hidden from the caller.
func Wrap(cause error, kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), cause: cause}
}

// InvalidField is an Invalid error about one field.
func InvalidField(name, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Message: name + " " + message, Fields: []Field{{Name: name, Message: message}}}
}

// WithHint returns the error with what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	mended := *e
	mended.Hint = fmt.Sprintf(format, args...)
	return &mended
}

// Error is the message and the hint, without the cause: an error's text can reach a person.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return strings.TrimSuffix(e.Message, ".") + ". " + e.Hint
}

// Unwrap gives errors.Is and errors.As the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// LogValue adds the kind and the chain of causes for the log.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", e.Kind.String()), slog.String("message", e.Message)}
	if e.cause != nil {
		var inner *Error
		if errors.As(e.cause, &inner) {
			attrs = append(attrs, slog.Any("cause", inner))
		} else {
			attrs = append(attrs, slog.String("cause", e.cause.Error()))
		}
	}
	return slog.GroupValue(attrs...)
}

// Is reports whether err is of the kind. An error that is no *Error is Internal, except
// that a context that ended is Unavailable.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// KindOf is the kind of the outermost *Error in err's chain.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	default:
		return Internal
	}
}

// Public is what may be told to the caller: the error itself when it is an *Error of a kind
// that speaks, else a plain sentence that gives nothing away.
func Public(err error) *Error {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e
	}
	if KindOf(err) == Unavailable {
		return &Error{Kind: Unavailable, Message: "The request ended before it was done.", Hint: "Try again.", cause: err}
	}
	return &Error{
		Kind: Internal, Message: "Something went wrong inside Keeper; nothing is known to be lost.",
		Hint: "Try again; if it stays, give the request id to an administrator.", cause: err,
	}
}
