package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// start runs the command and returns its address and a function that ends it and waits.
func start(t *testing.T, args ...string) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), writer, io.Discard)
		_ = writer.Close()
	}()
	first, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("no greeting: %v, %v", err, <-done)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	return regexp.MustCompile(`http://\S+`).FindString(first), func() error {
		cancel()
		return <-done
	}
}

func TestRun(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	args := []string{"-state", state, "-kms-alias", "alias/keeper", "-quotas", "real", "-account", "111111111111"}
	connect := func(url string) aws.Config {
		return aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	}
	url, stop := start(t, args...)
	sm := secretsmanager.NewFromConfig(connect(url))
	made, err := sm.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("v"), KmsKeyId: aws.String("alias/keeper")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(*made.ARN, ":111111111111:") {
		t.Errorf("got ARN %s, want the given account", *made.ARN)
	}
	key := kms.NewFromConfig(connect(url))
	sealed, err := key.Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String("alias/keeper"), Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}

	url, stop = start(t, args...)
	got, err := secretsmanager.NewFromConfig(connect(url)).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	if err != nil || *got.SecretString != "v" {
		t.Errorf("after a restart: got %v, want the value", err)
	}
	opened, err := kms.NewFromConfig(connect(url)).Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	if err != nil || string(opened.Plaintext) != "x" {
		t.Errorf("after a restart: got %v, want the plaintext", err)
	}
	if err := stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}
}

func TestRunEndsWhileACallHangs(t *testing.T) {
	url, stop := start(t)
	resp, err := http.Post(url+"/_standin/faults", "application/json", strings.NewReader(`{"kind":"timeout_before"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	sm := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), Retryer: aws.NopRetryer{}})
	hung := make(chan error, 1)
	go func() {
		_, err := sm.ListSecrets(context.Background(), &secretsmanager.ListSecretsInput{})
		hung <- err
	}()
	for !bytes.Contains(get(t, url+"/_standin/calls"), []byte("ListSecrets")) {
		if t.Context().Err() != nil {
			t.Fatal("the call never came")
		}
		time.Sleep(time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if err := <-hung; err == nil {
		t.Error("the hanging call was answered")
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestBadCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"-quotas", "some"}, {"-kms-quota", "-1"}, {"-kms-alias", "keeper"}, {"-access-key", "x"}, {"-role", "x"}, {"stray"}, {"-nonsense"},
	} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			var stderr bytes.Buffer
			if _, err := parse(args, &stderr); !errors.Is(err, errUsage) || stderr.Len() == 0 {
				t.Errorf("got %v and %q, want a complaint", err, stderr.String())
			}
		})
	}
}
