package rest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// decode reads a JSON body into one of package api's types, and refuses fields that it does
// not have. No error quotes the body, which may hold a value: each is built here.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return wrongMediaType()
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return bodyProblem(err)
	}
	switch _, err := decoder.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil && errors.As(err, new(*http.MaxBytesError)):
		return tooLarge()
	default:
		return fault.New(fault.Invalid, "The body must be one JSON object, and holds more.")
	}
}

// decodeOptional is decode for operations whose body may be left out.
func decodeOptional(w http.ResponseWriter, r *http.Request, into any) error {
	if r.ContentLength == 0 {
		return nil
	}
	return decode(w, r, into)
}

func bodyProblem(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return tooLarge()
	case errors.As(err, &wrong):
		return wrongField(wrong)
	case errors.As(err, &syntax):
		return fault.New(fault.Invalid, "The body is not valid JSON: see byte %d.", syntax.Offset)
	case errors.Is(err, io.EOF):
		return fault.New(fault.Invalid, "The body is empty; it must be a JSON object.")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "The body is not valid JSON: it ends too early.")
	}
	// encoding/json has no type for this one.
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fault.InvalidField(plain(strings.Trim(quoted, `"`)), "is not a field of this operation").
			WithHint("The fields that there are stand at /docs.")
	}
	return fault.New(fault.Invalid, "The body could not be read.")
}

func wrongField(wrong *json.UnmarshalTypeError) error {
	if wrong.Field == "" {
		return fault.New(fault.Invalid, "The body must be a JSON object.")
	}
	field := plain(wrong.Field)
	if wrong.Value == "text that is not Unicode" {
		return fault.InvalidField(field, "must be Unicode text").WithHint("Encode binary data as base64.")
	}
	return fault.InvalidField(field, "must be %s", wanted(wrong.Type))
}

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[api.EnvironmentRef]():
		return "the id or the name of an environment"
	case t == reflect.TypeFor[time.Time]():
		return "a time such as 2027-01-31T12:00:00Z"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "an integer"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

// plain keeps the name of a field or parameter that can only be a name: a client's mistake
// may have put anything in its place, a value too.
func plain(name string) string {
	if len(name) == 0 || len(name) > 40 {
		return "a field"
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && c != '_' && c != '.' {
			return "a field"
		}
	}
	return name
}
