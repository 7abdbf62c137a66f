package main

import "context"

func agents(ctx context.Context, program string, o options) error { return nil }
