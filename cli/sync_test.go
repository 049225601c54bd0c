package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

// connect makes a destination at the script's AWS stand-in: "connect production aws manual
// 3" with a strategy and how much the brake lets pass.
func connect(ts *testscript.TestScript, args []string) {
	c, err := client.New(ts.Getenv("KEEPER_URL"), ts.Getenv("KEEPER_TOKEN"))
	ts.Check(err)
	most, err := strconv.Atoi(args[3])
	ts.Check(err)
	_, err = c.CreateDestination(context.Background(), api.NewDestination{
		EnvironmentID: api.EnvironmentNamed(args[0]), Name: args[1], Kind: api.AWSSecretsManager,
		Config: api.DestinationConfig{Region: home, Strategy: api.Strategy(args[2]), BrakeMost: &most, BrakePercent: new(0)},
	})
	ts.Check(err)
}

// editAtAWS writes a value at the stand-in as a stranger would, under a new name or an old one.
func editAtAWS(ts *testscript.TestScript, name, value string) {
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(home),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	ts.Check(err)
	cfg.BaseEndpoint = aws.String(ts.Getenv("AWS_ENDPOINT_URL"))
	stranger := secretsmanager.NewFromConfig(cfg)
	_, err = stranger.PutSecretValue(context.Background(), &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value})
	if missing := new(types.ResourceNotFoundException); errors.As(err, &missing) {
		_, err = stranger.CreateSecret(context.Background(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	}
	ts.Check(err)
}

// importID sets a variable to the id of the import in a file of JSON.
func importID(ts *testscript.TestScript, name, file string) {
	var made struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &made))
	ts.Setenv(name, made.ID)
}

// receiver starts a server that takes all webhooks, and sets a variable to its URL.
func receiver(t *testing.T, ts *testscript.TestScript, name string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(server.Close)
	ts.Setenv(name, server.URL)
}
