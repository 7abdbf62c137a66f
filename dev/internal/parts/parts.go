// Package parts is what a real stack is made of: the Searchpack server, versitygw, agents and
// OpenSearch clusters, each behind the interface that package stack has for it. It holds wiring
// only. Child processes other than OpenSearch are this program again, with a hidden command.
package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// The hidden commands of the program: `s3 --dir DIR --region R` and `agent-process run|sync ...`.
const (
	S3Command    = "s3"
	AgentCommand = "agent-process"
)

// The S3 process gets its credentials by environment: arguments are everybody's to read.
const (
	S3AccessKey = "S3_ACCESS_KEY_ID"
	S3SecretKey = "S3_SECRET_ACCESS_KEY"
)

// New returns the parts. self is the path of this program.
func New(self string) stack.Parts {
	return stack.Parts{
		Clusters: openClusters,
		StartS3: func(k *child.Keeper, dir, log string, o stack.Options) (stack.Process, error) {
			return startS3(k, self, dir, log, o)
		},
		OpenServer: openServer,
		Agents:     func(k *child.Keeper) stack.Agents { return &agents{keeper: k, self: self} },
		CheckKey:   checkKey,
		MakeDomain: makeDomain,
	}
}

func startS3(k *child.Keeper, self, dir, log string, o stack.Options) (stack.Process, error) {
	cmd := exec.Command(self, S3Command, "--dir", dir, "--region", o.Region)
	cmd.Env = append(environment(), S3AccessKey+"="+o.AccessKey, S3SecretKey+"="+o.SecretKey)
	return startLogged(k, "s3", cmd, log)
}

// startLogged starts a child whose output goes to a log file.
func startLogged(k *child.Keeper, name string, cmd *exec.Cmd, log string) (stack.Process, error) {
	f, err := stack.OpenLog(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the process has its own
	cmd.Stdout, cmd.Stderr = f, f
	p, err := k.Start(name, cmd)
	if err != nil {
		return nil, err // not p: a nil *child.Process in an interface is not nil
	}
	return p, nil
}

// environment is ours without what would change a child's flags or credentials.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "SEARCHPACK_") || strings.HasPrefix(kv, "AWS_")
	})
}

func client(endpoint string, o stack.Options) *opensearch.Client {
	return opensearch.New(opensearch.Options{
		Region: o.Region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, ""),
	})
}

// checkKey finds out whether the server knows the key: a database keeps the one it was made with.
func checkKey(ctx context.Context, endpoint string, o stack.Options) error {
	_, err := client(endpoint, o).ListDomainNames(ctx, &opensearch.ListDomainNamesInput{})
	var refused smithy.APIError
	if errors.As(err, &refused) && (refused.ErrorCode() == "UnrecognizedClientException" || refused.ErrorCode() == "InvalidSignatureException") {
		return fmt.Errorf("the data folder %s was made with another --access-key or --secret-key: use those, or another folder", o.Data)
	}
	return err
}

// makeDomain asks for the domain as any client would.
func makeDomain(ctx context.Context, endpoint, name string, o stack.Options) error {
	in := &opensearch.CreateDomainInput{
		DomainName:    aws.String(name),
		ClusterConfig: &types.ClusterConfig{InstanceCount: aws.Int32(int32(o.Nodes))},
	}
	if o.FilesOnly() { // no OpenSearch says which version it is
		in.EngineVersion = aws.String(engineOf(distro.Newest))
	}
	_, err := client(endpoint, o).CreateDomain(ctx, in)
	var exists *types.ResourceAlreadyExistsException
	if errors.As(err, &exists) {
		return nil
	}
	return err
}
