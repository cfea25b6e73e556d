#pragma once
/* A gateway of the simulator in a directory of its own, and a Modbus client of a few lines that
 * shares no code with it. */
#include "sim/gateway.h"

struct fixture {
	char dir[64];
	struct mall *mall;
	struct models *models;
	struct zone *zone;
	struct gateway_settings settings; /* may be changed before fixture_start() */
	struct gateway *gateway;
};

void fixture_open(struct fixture *f);
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);
void fixture_close(struct fixture *f); /* stops, and removes the directory */

int client_open(uint16_t port);
void client_ask(int fd, uint16_t transaction, uint8_t unit, const void *pdu, size_t n);
/* One whole frame within 5 s; returns its length, 0 when the connection was closed, -1 when nothing
 * came within ms. */
int client_answer(int fd, int ms, uint8_t frame[static 300]);

/* Reads registers of a meter; fails the test unless they come. */
void read_registers(int fd, uint8_t unit, uint16_t address, uint16_t count, uint16_t *values);
/* Total register of a prepaid meter in 0.01 kWh, and whether its relay is closed. */
uint32_t read_energy(int fd, uint8_t unit);
bool read_relay(int fd, uint8_t unit);
void write_relay(int fd, uint8_t unit, uint16_t forced, uint16_t open);

enum { CLIENT_MS = 5000 };
