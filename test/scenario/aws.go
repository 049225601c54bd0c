package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// awsCommand is the distribution's aws command.
const awsCommand = "/usr/bin/aws"

// AWS is an AWS Secrets Manager as somebody beside Keeper sees it: through the real aws
// command where it is installed, and for many secrets at once through the API itself.
type AWS struct {
	URL, Region, AccessKey, SecretKey string
}

// HasCommand reports whether the real aws command is there.
func HasCommand() bool {
	_, err := os.Stat(awsCommand)
	return err == nil
}

func (a AWS) tool() string {
	if HasCommand() {
		return "the aws command"
	}
	return "AWS's API"
}

// command runs the aws command, or the same call through the API where there is none.
func (a AWS) command(ctx context.Context, operation string, input map[string]any) (map[string]any, error) {
	if !HasCommand() {
		return a.Call(ctx, operation, input)
	}
	encoded, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, awsCommand, "--endpoint-url", a.URL, "--region", a.Region, "--output", "json",
		"secretsmanager", kebab(operation), "--cli-input-json", string(encoded))
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+a.AccessKey, "AWS_SECRET_ACCESS_KEY="+a.SecretKey, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("aws %s: %s", kebab(operation), bytes.TrimSpace(exit.Stderr))
		}
		return nil, err
	}
	var answer map[string]any
	err = json.Unmarshal(out, &answer)
	return answer, err
}

func kebab(operation string) string {
	var b strings.Builder
	for i, c := range operation {
		if c >= 'A' && c <= 'Z' && i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(c)))
	}
	return b.String()
}

// Call speaks AWS's JSON protocol. The stand-in does not check signatures, so the request
// bears only their shape.
func (a AWS) Call(ctx context.Context, operation string, input map[string]any) (map[string]any, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "secretsmanager."+operation)
	now := time.Now().UTC()
	request.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s/%s/secretsmanager/aws4_request, SignedHeaders=host;x-amz-date, Signature=%064d",
		a.AccessKey, now.Format("20060102"), a.Region, 0))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", operation, text)
	}
	var decoded map[string]any
	err = json.Unmarshal(text, &decoded)
	return decoded, err
}

func (a AWS) read(ctx context.Context, name string) (string, error) {
	answer, err := a.command(ctx, "GetSecretValue", map[string]any{"SecretId": name})
	value, _ := answer["SecretString"].(string)
	return value, err
}

func (a AWS) write(ctx context.Context, name, value string) error {
	_, err := a.command(ctx, "PutSecretValue", map[string]any{"SecretId": name, "SecretString": value})
	return err
}

func (a AWS) deleted(ctx context.Context, name string) (bool, error) {
	answer, err := a.Call(ctx, "DescribeSecret", map[string]any{"SecretId": name})
	return answer["DeletedDate"] != nil, err
}

func (a AWS) versions(ctx context.Context, name string) (int, error) {
	answer, err := a.Call(ctx, "ListSecretVersionIds", map[string]any{"SecretId": name, "IncludeDeprecated": true})
	versions, _ := answer["Versions"].([]any)
	return len(versions), err
}

// names lists the names with a prefix.
func (a AWS) names(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	input := map[string]any{"MaxResults": 100, "Filters": []map[string]any{{"Key": "name", "Values": []string{prefix}}}}
	for {
		answer, err := a.Call(ctx, "ListSecrets", input)
		if err != nil {
			return nil, err
		}
		entries, _ := answer["SecretList"].([]any)
		for _, entry := range entries {
			fields, _ := entry.(map[string]any)
			if name, _ := fields["Name"].(string); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		if answer["NextToken"] == nil {
			return names, nil
		}
		input["NextToken"] = answer["NextToken"]
	}
}

func (a AWS) count(ctx context.Context, prefix string) (int, error) {
	names, err := a.names(ctx, prefix)
	return len(names), err
}

// all reads all values with a prefix, by name.
func (a AWS) all(ctx context.Context, prefix string) (map[string]string, error) {
	names, err := a.names(ctx, prefix)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for len(names) > 0 {
		batch := names[:min(20, len(names))]
		names = names[len(batch):]
		answer, err := a.Call(ctx, "BatchGetSecretValue", map[string]any{"SecretIdList": batch})
		if err != nil {
			return nil, err
		}
		entries, _ := answer["SecretValues"].([]any)
		for _, entry := range entries {
			fields, _ := entry.(map[string]any)
			name, _ := fields["Name"].(string)
			values[name], _ = fields["SecretString"].(string)
		}
	}
	return values, nil
}
