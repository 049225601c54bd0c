package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Vault is a KV v2 mount as somebody beside Keeper sees it, through Vault's API.
type Vault struct {
	URL, Token, Mount string
}

// do calls Vault's API. A 404 is an answer too: it tells of what is deleted.
func (v Vault) do(ctx context.Context, method, path string, input, answer any) (status int, err error) {
	body, err := json.Marshal(input)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, v.URL+"/v1/"+v.Mount+"/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Vault-Token", v.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= 400 && response.StatusCode != http.StatusNotFound {
		return response.StatusCode, fmt.Errorf("vault answers %s to %s %s", response.Status, method, path)
	}
	if answer == nil {
		return response.StatusCode, nil
	}
	return response.StatusCode, json.NewDecoder(response.Body).Decode(answer)
}

func (v Vault) read(ctx context.Context, name string) (string, error) {
	var answer struct {
		Data struct {
			Data map[string]string `json:"data"`
		} `json:"data"`
	}
	status, err := v.do(ctx, http.MethodGet, "data/"+name, nil, &answer)
	if err == nil && status == http.StatusNotFound {
		return "", fmt.Errorf("vault has no %s", name)
	}
	return answer.Data.Data["value"], err
}

func (v Vault) write(ctx context.Context, name, value string) error {
	_, err := v.do(ctx, http.MethodPost, "data/"+name, map[string]any{"data": map[string]string{"value": value}}, nil)
	return err
}

// metadata is what Vault knows of a name's versions.
type metadata struct {
	Data struct {
		CurrentVersion int `json:"current_version"`
		Versions       map[string]struct {
			DeletionTime string `json:"deletion_time"`
		} `json:"versions"`
	} `json:"data"`
}

func (v Vault) metadata(ctx context.Context, name string) (metadata, error) {
	var m metadata
	_, err := v.do(ctx, http.MethodGet, "metadata/"+name, nil, &m)
	return m, err
}

func (v Vault) deleted(ctx context.Context, name string) (bool, error) {
	m, err := v.metadata(ctx, name)
	return m.Data.Versions[fmt.Sprint(m.Data.CurrentVersion)].DeletionTime != "", err
}

func (v Vault) versions(ctx context.Context, name string) (int, error) {
	m, err := v.metadata(ctx, name)
	return m.Data.CurrentVersion, err
}
