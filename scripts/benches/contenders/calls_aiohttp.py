"""Asks for each URL of a file with aiohttp, so many at a time, and reads the answers: URLS HEADER IN_FLIGHT."""

import asyncio
import sys

import aiohttp


async def worker(session, urls):
    for url in urls:
        async with session.get(url) as answer:
            await answer.json()


async def main(path, header, in_flight):
    name, _, value = header.partition(": ")
    with open(path, encoding="utf-8") as lines:
        urls = iter(lines.read().split())
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, headers={name: value}) as session:
        # All take from the same iterator: none waits for another.
        await asyncio.gather(*(worker(session, urls) for _ in range(in_flight)))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
