package standin

import (
	"fmt"
	"net/http"
)

// apiError is an answer that AWS gives instead of a result. Its message never carries a value.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// refuse is an error of the client's making, which both services answer with HTTP 400.
func refuse(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// invalid is a request that breaks the constraints of the service's model. The constraint never quotes the value.
func invalid(field, constraint string) *apiError {
	return refuse("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must %s", field, constraint)
}

func checkLength(field string, length, least, most int) error {
	switch {
	case length < least:
		return invalid(field, fmt.Sprintf("have length greater than or equal to %d", least))
	case length > most:
		return invalid(field, fmt.Sprintf("have length less than or equal to %d", most))
	}
	return nil
}

func checkRange(field string, value *int, least, most int) error {
	switch {
	case value == nil:
		return nil
	case *value < least:
		return invalid(field, fmt.Sprintf("have value greater than or equal to %d", least))
	case *value > most:
		return invalid(field, fmt.Sprintf("have value less than or equal to %d", most))
	}
	return nil
}
