// The client program on the Go SDK: worker URL SLOTS INTERVAL_MILLIS
//
// It has no defaults for these two: in its README they are 1 and 100 ms.
package main

import (
	"log"
	"os"
	"strconv"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/conductor-sdk/conductor-go/sdk/settings"
	"github.com/conductor-sdk/conductor-go/sdk/worker"
)

// The cheapest that the SDK takes: a map would be written and read once more before it is sent.
func noop(task *model.Task) (interface{}, error) {
	result := model.NewTaskResultFromTask(task)
	result.Status = model.CompletedTask
	result.OutputData = task.InputData
	return result, nil
}

func number(index int) int {
	value, err := strconv.Atoi(os.Args[index])
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	runner := worker.NewTaskRunner(nil, settings.NewHttpSettings(os.Args[1]))
	interval := time.Duration(number(3)) * time.Millisecond
	if err := runner.StartWorker("bench_0", noop, number(2), interval); err != nil {
		log.Fatal(err)
	}
	runner.WaitWorkers()
}
