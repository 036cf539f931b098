"""One measurement by Python's neo4j, as benchmark/client.mjs: `python client.py JOB`.

One at a time by the synchronous driver, many at a time by asyncio.
"""

import asyncio
import json
import resource
import sys
import time

import neo4j

WARM_UP_SECONDS = 0.5
SECONDS = 1.5
CITIES = ["Warszawa", "London", "Berlin", "Tokyo"]
ROWS = [
    {
        "id": i,
        "name": f"Person number {i}",
        "score": i * 0.37,
        "active": i % 3 == 0,
        "city": CITIES[i % len(CITIES)],
    }
    for i in range(10_000)
]


def shares(seconds, cpu, count):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": count / seconds, "cpu": cpu / count, "peak": peak}


def timed(work):
    cpu, start = time.process_time(), time.perf_counter()
    result = work()
    return result, time.perf_counter() - start, time.process_time() - cpu


def read(records):
    rows, total = 0, 0.0
    for record in records:
        name = record["name"]
        rows += 1
        total += record["id"] + len(name) + ord(name[-1]) + record["score"]
    return {"rows": rows, "sum": total}


def scan(driver, text, collected):
    def run():
        with driver.session() as session:
            result = session.run(text)
            return read(list(result) if collected else result)

    run()
    checksum, seconds, cpu = timed(run)
    return {**shares(seconds, cpu, checksum["rows"]), "checksum": checksum}


def repeated(work, seconds):
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        work()
        done += 1
    return done


def small(driver, text):
    answered = 0

    def query():
        nonlocal answered
        with driver.session() as session:
            answered += next(iter(session.run(text)))["n"]

    repeated(query, WARM_UP_SECONDS)
    answered = 0
    done, seconds, cpu = timed(lambda: repeated(query, SECONDS))
    return {**shares(seconds, cpu, done), "checksum": {"answered": answered / done}}


def unwind(driver, text):
    record = None

    def call():
        nonlocal record
        with driver.session() as session:
            [record] = session.run(text, rows=ROWS)

    repeated(call, WARM_UP_SECONDS)
    done, seconds, cpu = timed(lambda: repeated(call, SECONDS))
    checksum = {"rows": record["rows"], "total": round(record["total"]), "text": record["text"]}
    return {**shares(seconds, cpu, done), "checksum": checksum}


async def at_once(job, concurrency, by_execute_query):
    text, answered = job["queries"]["one"], 0
    auth = (job["user"], job["password"])
    async with neo4j.AsyncGraphDatabase.driver(job["uri"], auth=auth) as driver:

        async def query():
            nonlocal answered
            if by_execute_query:
                records, _, _ = await driver.execute_query(text)
                answered += records[0]["n"]
            else:
                async with driver.session() as session:
                    record = await anext(aiter(await session.run(text)))
                answered += record["n"]  # not in one with an await, which others come between

        async def repeated(seconds):
            done, end = 0, time.perf_counter() + seconds

            async def loop():
                nonlocal done
                while time.perf_counter() < end:
                    await query()
                    done += 1

            await asyncio.gather(*(loop() for _ in range(concurrency)))
            return done

        await repeated(WARM_UP_SECONDS)
        answered = 0
        cpu, start = time.process_time(), time.perf_counter()
        done = await repeated(SECONDS)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        return {**shares(seconds, cpu, done), "checksum": {"answered": answered / done}}


def measure(job):
    kind, _, concurrency = job["measurement"].partition("-")
    if kind in ("small", "execute") and concurrency != "1":
        return asyncio.run(at_once(job, int(concurrency), kind == "execute"))
    queries = job["queries"]
    with neo4j.GraphDatabase.driver(job["uri"], auth=(job["user"], job["password"])) as driver:
        if kind == "scan":
            return scan(driver, queries["scan"], collected=concurrency == "collect")
        if kind == "small":
            return small(driver, queries["one"])
        return unwind(driver, queries["unwind"])


print(json.dumps(measure(json.loads(sys.argv[1]))))
