package main

import (
	"encoding/json"
	"net/http"

	"github.com/hashicorp/vault/sdk/logical"
)

// respondError writes Vault's error body, {"errors": [...]}, which is empty for a nil err.
func respondError(w http.ResponseWriter, status int, err error) {
	logical.RespondError(w, status, err)
}

func respondJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; there is nobody to tell
}

// respondData wraps data as Vault does for an answer that is no secret.
func respondData(w http.ResponseWriter, data map[string]any) {
	respondJSON(w, http.StatusOK, &logical.HTTPResponse{Data: data, MountType: "system"})
}

// respondLogical writes an engine's answer with the status that Vault gives it.
func respondLogical(w http.ResponseWriter, req *logical.Request, resp *logical.Response, err error) {
	status, err := logical.RespondErrorCommon(req, resp, err)
	switch {
	case err != nil || status != 0:
		if resp != nil && resp.Data["data"] != nil {
			logical.RespondErrorAndData(w, status, resp.Data["data"], err)
			return
		}
		respondError(w, status, err)
	case resp == nil:
		w.WriteHeader(http.StatusNoContent)
	case resp.Data[logical.HTTPStatusCode] != nil:
		respondRaw(w, resp)
	default:
		body := logical.LogicalResponseToHTTPResponse(resp)
		body.RequestID, body.MountType = req.ID, req.MountType
		respondJSON(w, http.StatusOK, body)
	}
}

// respondRaw writes an answer whose status and body the engine chose, such as the 404 of a soft-deleted version.
func respondRaw(w http.ResponseWriter, resp *logical.Response) {
	status, ok := resp.Data[logical.HTTPStatusCode].(int)
	if !ok {
		respondError(w, http.StatusInternalServerError, nil)
		return
	}
	if kind, ok := resp.Data[logical.HTTPContentType].(string); ok {
		w.Header().Set("Content-Type", kind)
	}
	w.WriteHeader(status)
	if body, ok := resp.Data[logical.HTTPRawBody].(string); ok && status != http.StatusNoContent {
		_, _ = w.Write([]byte(body)) // the client is gone; there is nobody to tell
	}
}

// statusWriter tells the status before anything of the answer leaves.
type statusWriter struct {
	http.ResponseWriter
	record func(status int)
}

func (w *statusWriter) WriteHeader(status int) {
	w.record(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
