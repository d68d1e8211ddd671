/* A 32-bit program without a C library, which reads the time and ends. */
void _start(void)
{
    int result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(13), "b"(0) : "memory");
    __asm__ volatile("int $0x80" : : "a"(1), "b"(0) : "memory");
    for (;;)
        ;
}
