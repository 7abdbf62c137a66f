package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// fileBytes is what is brought to every agent.
const fileBytes = 1 << 20

// connections of an agent: its long poll and its reports.
const connections = 2

// agents measures one server with many agents, all of one domain: the worst that can be, as one change
// then wakes them all. They are simulated in this process, on the same processors as the server.
func agents(ctx context.Context, program string, o options) error {
	if err := descriptors(connections*o.agents + 500); err != nil {
		return err
	}
	return onStack(ctx, program, o, []string{"--opensearch", "none", "--nodes", "1"}, func(b *bench, ctx context.Context) error {
		return b.agentsOn(ctx, filepath.Join(filepath.Dir(program), "searchpack"))
	})
}

// descriptors refuses to begin what this process may not open. (Go raises the limit to the highest
// that is allowed, here and in the server.)
func descriptors(need int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Cur < uint64(need) {
		return fmt.Errorf("this needs %d open files, and %d are allowed: raise it (ulimit -n), or measure fewer agents (-agents)", need, l.Cur)
	}
	return nil
}

func (b *bench) agentsOn(ctx context.Context, client string) error {
	before, err := memory(b.doc.PID, "VmRSS")
	if err != nil {
		return err
	}
	server, token, err := b.invitation(ctx, client)
	if err != nil {
		return err
	}
	start := time.Now()
	f, err := enrolFleet(ctx, server, token, b.agents)
	if err != nil {
		return err
	}
	enrolled := time.Since(start)
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); f.run(running) }()
	defer func() { stop(); <-ended }()

	// Once a first file is everywhere, all are connected and have reported.
	if _, _, err := b.bring(ctx, f, "first", bytes.Repeat([]byte("laptop, notebook\n"), 10)); err != nil {
		return err
	}
	wake, _, err := b.bring(ctx, f, "small", bytes.Repeat([]byte("laptop, notebook\n"), 20))
	if err != nil {
		return err
	}
	_, all, err := b.bring(ctx, f, "large", bytes.Repeat([]byte("laptop, notebook\n"), fileBytes/17))
	if err != nil {
		return err
	}
	after, err := memory(b.doc.PID, "VmRSS")
	if err != nil {
		return err
	}
	fmt.Printf("%d agents on one server (simulated beside it, %d connections each; %d CPUs for both; load %s): enrolled in %.1f s (%.1f ms each)\n",
		b.agents, connections, runtime.NumCPU(), load(), enrolled.Seconds(), enrolled.Seconds()*1000/float64(b.agents))
	fmt.Printf("  AssociatePackage until all have their new order %.2f s; until all have fetched and checked a file of 1 MiB %.1f s\n", wake.Seconds(), all.Seconds())
	fmt.Printf("  memory of the server: %.0f MiB, before %.0f MiB: %.0f KiB for each agent\n", mib(after), mib(before), float64(after-before)/1024/float64(b.agents))
	if err := b.idleCPU(ctx); err != nil {
		return err
	}
	stop()
	<-ended // the agents write down what fails
	if len(f.failed) > 0 {
		fmt.Printf("  calls that failed and were repeated: %v\n", f.failed)
	}
	return nil
}

// invitation is where the stack's own agent connects to, and a join token for its domain.
func (b *bench) invitation(ctx context.Context, client string) (server string, token enroll.Token, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", b.doc.Domains[0].Nodes[0].AgentPID))
	if err != nil {
		return "", token, err
	}
	args := strings.Split(string(raw), "\x00")
	i := slices.Index(args, "--server")
	if i < 0 || i+1 == len(args) {
		return "", token, errors.New("the stack's agent was started without --server")
	}
	cmd := exec.CommandContext(ctx, client, "token", "create", "--domain", domain, "--uses=-1") //nolint:gosec // the caller's own program
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+b.doc.Endpoint, "AWS_REGION="+b.doc.Region, "AWS_ACCESS_KEY_ID="+b.doc.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+b.doc.SecretAccessKey)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", token, fmt.Errorf("token create: %w", err)
	}
	token, err = enroll.ParseToken(strings.TrimSpace(string(out)))
	return args[i+1], token, err
}

// bring associates a package of the bytes: how long until all were told, and until all have it. It
// returns when the package is ACTIVE.
func (b *bench) bring(ctx context.Context, f *fleet, name string, text []byte) (told, have time.Duration, err error) {
	if _, err := b.c.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(name), Body: bytes.NewReader(text)}); err != nil {
		return 0, 0, err
	}
	id, err := b.create(ctx, name, name)
	if err != nil {
		return 0, 0, err
	}
	f.await(searchpack.DigestOf(text))
	start := time.Now()
	if err := b.askAssociate(ctx, id); err != nil {
		return 0, 0, err
	}
	ordered, fetched, err := f.until(ctx)
	if err != nil {
		return 0, 0, err
	}
	err = poll(ctx, 10*time.Minute, func() (bool, error) {
		wait(ctx, 200*time.Millisecond) // this is not what is measured
		return b.active(ctx, id, "v1")
	})
	return ordered.Sub(start), fetched.Sub(start), err
}
