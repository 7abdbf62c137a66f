package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// link is the agent's connection to its server: enrolment, the certificate's renewal, orders.
type link struct {
	cfg     Config
	log     *slog.Logger
	state   *stateDir
	book    *book
	renewal bell   // the certificate is to be renewed now
	news    func() // a new order was taken in
	changed func() // the problems are others

	mu      sync.Mutex
	id      *identity // nil before enrolment
	client  *agentapi.Client
	expires time.Time // of the certificate
	renewAt time.Time
	rested  time.Time         // no renewal before, by the clock that only goes on
	skew    time.Duration     // of this machine's clock, as it was last told; 0 = none worth telling
	refused string            // why the last order was not taken in
	said    map[string]string // last failure logged, by what was tried
}

// get returns the client, nil before enrolment.
func (l *link) get() *agentapi.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.client
}

// blobs and teller are get as the interfaces that are used, nil when it is.
func (l *link) blobs() blobSource {
	if c := l.get(); c != nil {
		return c
	}
	return nil
}

func (l *link) teller() teller {
	if c := l.get(); c != nil {
		return c
	}
	return nil
}

func (l *link) permits() permits {
	if c := l.get(); c != nil {
		return c
	}
	return nil
}

func (l *link) close() {
	if c := l.get(); c != nil {
		c.Close()
	}
}

// problems are those of the connection that a person must mend.
func (l *link) problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	if l.refused != "" {
		out = append(out, l.refused)
	}
	if l.client != nil {
		l.skew = toldSkew(l.skew, l.client.Skew())
	}
	if text := clockProblem(l.skew); text != "" {
		out = append(out, text)
	}
	return out
}

// Bounds of a clock that is worth telling a person about: certificates bear an hour, signed calls of
// clients on this machine five minutes. What is told changes in steps, so that a clock that drifts
// makes no news with every report.
const (
	skewBad  = 5 * time.Minute
	skewStep = time.Minute
)

// toldSkew is what is said of the skew, by what was said before.
func toldSkew(told, now time.Duration) time.Duration {
	switch {
	case now.Abs() < skewBad-skewStep, told == 0 && now.Abs() < skewBad:
		return 0
	case told == 0, (now - told).Abs() >= skewStep:
		return now.Round(skewStep)
	}
	return told
}

func clockProblem(skew time.Duration) string {
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	if skew == 0 {
		return ""
	}
	text := strings.TrimSuffix(skew.Abs().String(), "0s")
	return "the clock of this machine is " + text + " " + way + " the server's: chronyc makestep, or timedatectl set-ntp true; " +
		"an hour behind, or some days ahead, cuts the agent off from the server"
}

// failed logs a failure, once until another one comes.
func (l *link) failed(what string, err error) {
	if agentapi.IsExpired(err) {
		l.renewal.ring()
	}
	l.mu.Lock()
	if l.said == nil {
		l.said = map[string]string{}
	}
	again := l.said[what] == err.Error()
	l.said[what] = err.Error()
	l.mu.Unlock()
	if !again {
		l.log.Warn("the server does not do what is asked; trying again and going on with the last order", "asked", what, "error", err)
	}
}

func (l *link) succeeded(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.said, what)
}

// enrolUntil enrols if need be, trying until it succeeds; false: ctx ended.
func (l *link) enrolUntil(ctx context.Context) bool {
	wait := &backoff{min: l.cfg.Intervals.RetryMin, max: l.cfg.Intervals.RetryMax}
	for {
		err := l.connect(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			l.failed("enrol", err)
		}
		if !pause(ctx, wait.next()) {
			return false
		}
	}
}

// connect makes the client, after enrolling if the agent has no identity yet. For one that has, the
// server need not be there.
func (l *link) connect(ctx context.Context) error {
	if l.id == nil {
		if err := l.enrol(ctx); err != nil {
			return err
		}
	}
	return l.dial()
}

// dial makes the client from the certificate in the state folder, or gives the new one to it.
func (l *link) dial() error {
	cert, authority, err := l.state.certificate()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil {
		l.client, err = agentapi.NewClient(l.cfg.Server, authority, cert, l.cfg.Now)
	} else {
		err = l.client.Use(authority, cert)
	}
	life := cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore)
	l.expires, l.renewAt = cert.Leaf.NotAfter, cert.Leaf.NotBefore.Add(life*2/3)
	return err
}

// enrol asks for an identity with the join token. The key is kept before it is asked for, so that
// an agent that is killed in between asks for the same identity again. The identity is written
// last: with it the agent has enrolled.
func (l *link) enrol(ctx context.Context) error {
	token, err := readToken(l.cfg.TokenFile)
	if err != nil {
		return err
	}
	csr, err := l.request()
	if err != nil {
		return err
	}
	answer, err := agentapi.Enroll(ctx, l.cfg.Server, token, csr, l.cfg.Name, l.cfg.Now)
	if err != nil {
		return err
	}
	if err := l.state.keepCertificate(answer.Certificate, answer.Authority); err != nil {
		return err
	}
	id := identity{Schema: 1, AgentID: answer.AgentID, Name: answer.Name, Domain: answer.Domain}
	raw, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("encode the identity: %w", err)
	}
	if err := l.state.writeBytes(identityName, raw); err != nil {
		return fmt.Errorf("keep the identity: %s", explain(err))
	}
	l.mu.Lock()
	l.id = &id
	l.mu.Unlock()
	l.log.Info("enrolled", "agent", id.AgentID, "name", id.Name, "domain", id.Domain.String())
	return nil
}

func (l *link) request() ([]byte, error) {
	key, err := l.state.key()
	if err != nil {
		return nil, err
	}
	return enroll.NewRequest(key)
}

// CheckToken says what is wrong with the file of a join token, if anything is.
func CheckToken(file string) error {
	_, err := readToken(file)
	return err
}

func readToken(file string) (enroll.Token, error) {
	if file == "" {
		return enroll.Token{}, searchpack.Errorf(searchpack.ErrInvalid, "the agent has not enrolled and has no join token: --token-file FILE")
	}
	f, err := os.Open(file)
	if err != nil {
		return enroll.Token{}, searchpack.Errorf(searchpack.ErrInvalid, "the join token: %s", explain(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return enroll.Token{}, fmt.Errorf("the join token: %w", err)
	}
	return enroll.ParseToken(string(b))
}

// goneEvery is how often an agent asks that the server has no use for any more.
const goneEvery = time.Minute

// orderLoop waits for orders and takes them in.
func (l *link) orderLoop(ctx context.Context) {
	wait := &backoff{min: l.cfg.Intervals.RetryMin, max: l.cfg.Intervals.RetryMax}
	for ctx.Err() == nil {
		o, err := l.get().Order(ctx, l.book.order().Generation, l.cfg.Intervals.Wait)
		if err == nil && o != nil {
			err = l.takeIn(o)
		}
		switch {
		case ctx.Err() != nil:
			return
		case agentapi.IsGone(err):
			l.failed("order", err)
			pause(ctx, goneEvery)
		case err != nil:
			l.failed("order", err)
			pause(ctx, wait.next())
		default:
			l.succeeded("order")
			wait.reset()
			if o != nil {
				pause(ctx, 10*time.Millisecond) // a server that always has another order keeps no node busy
			}
		}
	}
}

// takeIn checks an order and keeps it; from then on it counts, with or without the server.
func (l *link) takeIn(o *searchpack.Order) error {
	err := checkOrder(o)
	if err == nil {
		if err = l.book.takeIn(o); err != nil {
			err = fmt.Errorf("the order cannot be kept in the state folder: %s", explain(err))
		}
	}
	l.mu.Lock()
	was := l.refused
	l.refused = ""
	if err != nil {
		l.refused = cutText(err.Error(), 500)
	}
	changed := l.refused != was
	l.mu.Unlock()
	if err != nil {
		if changed {
			l.changed()
		}
		return err
	}
	l.news()
	return nil
}

// renewEvery is how often the agent looks whether its certificate is to be renewed. Often, because
// a machine may sleep for days in between.
const renewEvery = 30 * time.Second

// renewLoop renews the certificate after two thirds of its time, and when the server says that it
// has ended.
func (l *link) renewLoop(ctx context.Context) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		if l.renewalDue() {
			if err := l.renew(ctx); err != nil && ctx.Err() == nil {
				l.failed("renew the certificate", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.renewal:
			l.mu.Lock()
			l.renewAt, l.rested = time.Time{}, time.Time{}
			l.mu.Unlock()
			if !pause(ctx, l.cfg.Intervals.RetryMin) {
				return
			}
		}
	}
}

func (l *link) renewalDue() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.cfg.now().Before(l.renewAt) && !time.Now().Before(l.rested)
}

// renewRest is the least time between two renewals that were not asked for by the server: on a machine
// whose clock is days ahead each new certificate seems to be over at once.
const renewRest = time.Hour

// renew gets a new certificate for the agent's key. When the server no longer takes the old one, a
// join token gives a new one for the same key, and with it the same identity.
func (l *link) renew(ctx context.Context) error {
	csr, err := l.request()
	if err != nil {
		return err
	}
	answer, err := l.get().Renew(ctx, csr)
	if searchpack.ErrorCode(err) == searchpack.ErrDenied && l.cfg.TokenFile != "" {
		if again := l.enrol(ctx); again != nil {
			return errors.Join(err, again)
		}
		return l.dial()
	}
	if err != nil {
		return err
	}
	if err := l.state.keepCertificate(answer.Certificate, answer.Authority); err != nil {
		return err
	}
	l.log.Info("certificate renewed")
	l.mu.Lock()
	l.rested = time.Now().Add(renewRest)
	l.mu.Unlock()
	return l.dial()
}
